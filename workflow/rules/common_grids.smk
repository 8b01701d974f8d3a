# Shared by the rules of grids - nodes and shards; the files that a shard of a BOSZ grid needs, and where they come from
MAX_REQUESTS_PER_SECOND = 2  # to an archive
WINDOW_MARGIN = 50.0  # Å beyond the pixels: the widest line-spread function and air or vacuum need 47


def grid_axes(wildcards):
    """Param: the nodes of a grid, label by label."""
    axes = settings.grids[wildcards.grid].axes
    return {name: nodes.tolist() for name, nodes in axes.nodes().items()}


def grid_others(wildcards):
    """Param: labels beside the nodes, or None."""
    grid = settings.grids[wildcards.grid]
    return grid.others.given(grid.axes.nodes()) if grid.others else None


def of_shards(pattern):
    """Input: a file of every shard of a grid."""
    return lambda wc: expand(pattern, shard=range(settings.grids[wc.grid].shards), grid=wc.grid)


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
    from gravispec.spectra.grid import shard
    from gravispec.spectra.splines import nodes

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
