# A grid of BOSZ 2024 models on the instrument's pixels, from published files.
# Needs: config grids, the files.  Makes: results/grids.


rule bosz_files:
    """Read a share of the files; keep their wavelength window, checksum and line positions."""
    input:
        code=code("bosz_files.py"),
        wave=bosz_wave,
        models=bosz_models,
    output:
        models="results/grids/{grid}/files/{shard}.npz",
        files="results/grids/{grid}/files/{shard}.csv",
    log:
        "results/grids/{grid}/logs/files_{shard}.log",
    benchmark:
        "results/grids/{grid}/benchmarks/files_{shard}.tsv"
    wildcard_constraints:
        grid=of_kind("bosz", settings.grids),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("bosz_files"),
    params:
        code=code_sha("bosz_files.py"),
        names=bosz_names,
        source=lookup(within=config, dpath="grids/{grid}/source"),
        window=bosz_window,
    script:
        "../scripts/bosz_files.py"


rule bosz_shard:
    """Bring a share of the models to vacuum wavelengths and the instrument's pixels."""
    input:
        code=code("bosz_shard.py"),
        models="results/grids/{grid}/files/{shard}.npz",
        files="results/grids/{grid}/files/{shard}.csv",
    output:
        temp("results/grids/{grid}/shards/{shard}.npz"),
    log:
        "results/grids/{grid}/logs/shard_{shard}.log",
    benchmark:
        "results/grids/{grid}/benchmarks/shard_{shard}.tsv"
    wildcard_constraints:
        grid=of_kind("bosz", settings.grids),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("bosz_shard"),
    params:
        code=code_sha("bosz_shard.py"),
        pixels=lookup(within=config, dpath="grids/{grid}/pixels"),
        fwhm=lookup(within=config, dpath="grids/{grid}/fwhm"),
        r=lookup(within=config, dpath="grids/{grid}/r"),
        medium=lookup(within=config, dpath="grids/{grid}/medium"),
    script:
        "../scripts/bosz_shard.py"


rule bosz_grid:
    """Join the models, see to the missing ones, and compress them for interpolation."""
    input:
        code=code("bosz_grid.py"),
        shards=of_shards("results/grids/{grid}/shards/{shard}.npz"),
        files=of_shards("results/grids/{grid}/files/{shard}.csv"),
    output:
        grid="results/grids/{grid}/grid.npz",
        files="results/grids/{grid}/files.csv",
    log:
        "results/grids/{grid}/logs/grid.log",
    benchmark:
        "results/grids/{grid}/benchmarks/grid.tsv"
    wildcard_constraints:
        grid=of_kind("bosz", settings.grids),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("bosz_grid"),
    params:
        code=code_sha("bosz_grid.py"),
        axes=grid_axes,
        missing=lookup(within=config, dpath="grids/{grid}/missing"),
    script:
        "../scripts/bosz_grid.py"
