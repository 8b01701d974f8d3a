# A grid of BOSZ 2024 models on the instrument's pixels, from published files.
# Needs: config grids, the files.  Makes: results/grids.
MAX_REQUESTS_PER_SECOND = 2  # to an archive
WINDOW_MARGIN = 50.0  # Å beyond the pixels: the widest line-spread function and air or vacuum need 47


def shard_files(wildcards):
    """Input: the tables of what was read for the shards of a grid."""
    n_shards = settings.grids[wildcards.grid].shards
    return expand(
        "results/grids/{grid}/files/{shard}.csv",
        shard=range(n_shards),
        grid=wildcards.grid,
    )


def in_source(grid, name):
    """A file of the grid's source as an input of a rule; the http plugin is loaded only where a grid is fetched."""
    path = f"{grid.source.rstrip('/')}/{name}"
    if not grid.remote:
        return path
    from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

    from workflow.storage import archive

    StoragePluginRegistry().register_plugin("archive", archive)
    return storage.archive(path, max_requests_per_second=MAX_REQUESTS_PER_SECOND)


def bosz_names(wildcards):
    """Param: the files of a shard, in the order of its nodes."""
    from gravispec.data.bosz import model_file
    from gravispec.spectra.grid import nodes, shard

    grid = settings.grids[wildcards.grid]
    labels = nodes(grid.axes.nodes())
    rows = shard(len(labels), int(wildcards.shard), grid.shards)
    about = dict(a_M=grid.a_M, C_M=grid.C_M, v_micro=grid.v_micro, r=grid.r)
    return [model_file(*labels[row], **about) for row in rows]


def bosz_models(wildcards):
    """Input: the files of a shard: those that the folder has, or all of an archive, which answers for itself."""
    grid = settings.grids[wildcards.grid]
    paths = [in_source(grid, name) for name in bosz_names(wildcards)]
    return [path for path in paths if grid.remote or Path(path).exists()]


def bosz_wave(wildcards):
    """Input: the wavelengths of all files of a grid."""
    from gravispec.data.bosz import wave_file

    grid = settings.grids[wildcards.grid]
    return in_source(grid, wave_file(grid.r))


def bosz_window(wildcards):
    """Param: the wavelengths that are kept, Å."""
    pixels = settings.grids[wildcards.grid].pixels
    return [pixels.start - WINDOW_MARGIN, pixels.stop + WINDOW_MARGIN]


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
        grid=grids_of("bosz"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
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
        grid=grids_of("bosz"),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
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
        shards=shards,
        files=shard_files,
    output:
        grid="results/grids/{grid}/grid.npz",
        files="results/grids/{grid}/files.csv",
    log:
        "results/grids/{grid}/logs/grid.log",
    benchmark:
        "results/grids/{grid}/benchmarks/grid.tsv"
    wildcard_constraints:
        grid=grids_of("bosz"),
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
