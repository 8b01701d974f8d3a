# From a grid to spectra, or from the user's own files, and from these to noisy spectra.
# Needs: results/grids, the user's files.  Makes: results/spectra, results/noisy.


def grid_of_dataset(wildcards):
    """Input: the grid that a data set is interpolated in."""
    return f"results/grids/{settings.datasets[wildcards.dataset].grid}/grid.npz"


def normalisation(wildcards):
    """Param: whose median flux is divided by, and the width of the running continuum."""
    dataset = settings.datasets[wildcards.dataset]
    return dict(median=dataset.median, continuum=dataset.continuum)


def of_files(pattern):
    """Output: a shard for each of the user's files."""
    shards = [f"{split}_0" for split in SPLITS]
    return expand(pattern, shard=shards, allow_missing=True)


rule spectra:
    """Draw the stars of a shard; interpolate their clean flux; find what the error of every pixel follows from."""
    input:
        code=code("spectra.py"),
        grid=grid_of_dataset,
    output:
        stars="results/spectra/{dataset}/stars/{shard}.parquet",
        flux=CLEAN,
        error=ERROR,
    log:
        "results/spectra/{dataset}/logs/spectra_{shard}.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra_{shard}.tsv"
    wildcard_constraints:
        dataset=datasets_of("lte"),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("spectra", gpu=0, device=config["device"]),
    params:
        code=code_sha("spectra.py"),
        seed=config["seed"],
        shard=shard_of_stars,
        labels=lookup(within=config, dpath="datasets/{dataset}/labels"),
    script:
        "../scripts/spectra.py"


rule stars:
    """All stars in one table; the wavelengths of all spectra."""
    input:
        code=code("stars.py"),
        grid=grid_of_dataset,
        shards=sharded("results/spectra/{dataset}/stars/{shard}.parquet"),
    output:
        stars=STARS,
        wave=WAVE,
    log:
        "results/spectra/{dataset}/logs/stars.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/stars.tsv"
    wildcard_constraints:
        dataset=datasets_of("lte"),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("stars"),
    params:
        code=code_sha("stars.py"),
    script:
        "../scripts/stars.py"


rule noisy:
    """Add noise to a shard. Clean flux is read by no other rule but stress and figure_spectra, which nothing comes from."""
    input:
        code=code("noisy.py"),
        wave=WAVE,
        flux=CLEAN,
        error=ERROR,
    output:
        NOISY,
    log:
        "results/noisy/{dataset}/noise_{level}/logs/noisy_{shard}.log",
    benchmark:
        "results/noisy/{dataset}/noise_{level}/benchmarks/noisy_{shard}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("noisy", gpu=0, device=config["device"]),
    params:
        code=code_sha("noisy.py"),
        seed=config["seed"],
        noise_level=lambda wc: float(wc.level),
        shard=lambda wc: shard_of_stars(wc)[:2],
        normalisation=normalisation,
    script:
        "../scripts/noisy.py"
rule spectra_from_file:
    """Bring the user's pfsspec files into the same layout."""
    input:
        code=code("spectra_from_file.py"),
        train=lookup(within=config, dpath="datasets/{dataset}/train"),
        val=lookup(within=config, dpath="datasets/{dataset}/val"),
        test=lookup(within=config, dpath="datasets/{dataset}/test"),
    output:
        stars=STARS,
        wave=WAVE,
        flux=of_files(CLEAN),
        error=of_files(ERROR),
    log:
        "results/spectra/{dataset}/logs/spectra.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra.tsv"
    wildcard_constraints:
        dataset=datasets_of("pfsspec"),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("spectra_from_file"),
    params:
        code=code_sha("spectra_from_file.py"),
    script:
        "../scripts/spectra_from_file.py"
