# A grid of synthetic spectra on the instrument's pixels, from physics.
# Needs: config grids.  Makes: results/grids.


rule grid_shard:
    """Synthesise a share of the models of a grid."""
    input:
        code=code("grid_shard.py"),
    output:
        temp("results/grids/{grid}/shards/{shard}.npz"),
    log:
        "results/grids/{grid}/logs/shard_{shard}.log",
    benchmark:
        "results/grids/{grid}/benchmarks/shard_{shard}.tsv"
    wildcard_constraints:
        grid=of_kind("lte", settings.grids),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("grid_shard", gpu=0, device=config["device"]),
    params:
        code=code_sha("grid_shard.py"),
        axes=grid_axes,
        others=grid_others,
        pixels=lookup(within=config, dpath="grids/{grid}/pixels"),
        fwhm=lookup(within=config, dpath="grids/{grid}/fwhm"),
        v_micro=lookup(within=config, dpath="grids/{grid}/v_micro"),
        n_shards=lookup(within=config, dpath="grids/{grid}/shards"),
    script:
        "../scripts/grid_shard.py"


rule grid:
    """Join the models and compress them for interpolation."""
    input:
        code=code("grid.py"),
        shards=of_shards("results/grids/{grid}/shards/{shard}.npz"),
    output:
        "results/grids/{grid}/grid.npz",
    log:
        "results/grids/{grid}/logs/grid.log",
    benchmark:
        "results/grids/{grid}/benchmarks/grid.tsv"
    wildcard_constraints:
        grid=of_kind("lte", settings.grids),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("grid"),
    params:
        code=code_sha("grid.py"),
        axes=grid_axes,
        others=grid_others,
    script:
        "../scripts/grid.py"
