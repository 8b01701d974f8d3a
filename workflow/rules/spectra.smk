# From a grid, or from the user's files, to noisy spectra.
# Needs: results/grids or the user's files.  Makes: results/spectra, results/noisy.
SHARDS_OF_FILES = [f"{split}_0" for split in SPLITS]


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
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("spectra.py"),
        seed=config["seed"],
        shard=shard_of_stars,
        labels=lookup(within=config, dpath="datasets/{dataset}/labels"),
    message:
        "Data set {wildcards.dataset}: stars, clean flux, errors, {wildcards.shard}"
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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("stars.py"),
    message:
        "Data set {wildcards.dataset}: table of stars"
    script:
        "../scripts/stars.py"


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
        flux=expand(CLEAN, shard=SHARDS_OF_FILES, allow_missing=True),
        error=expand(ERROR, shard=SHARDS_OF_FILES, allow_missing=True),
    log:
        "results/spectra/{dataset}/logs/spectra.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra.tsv"
    wildcard_constraints:
        dataset=datasets_of("pfsspec"),
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(60),
    params:
        code=code_sha("spectra_from_file.py"),
    message:
        "Data set {wildcards.dataset}: reading the user's files"
    script:
        "../scripts/spectra_from_file.py"


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
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("noisy.py"),
        seed=config["seed"],
        noise_level=lambda wc: float(wc.level),
        shard=lambda wc: shard_of_stars(wc)[:2],
        normalisation=normalisation,
    message:
        "Data set {wildcards.dataset}: noise at level {wildcards.level}, {wildcards.shard}"
    script:
        "../scripts/noisy.py"
