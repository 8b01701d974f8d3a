# From a grid to spectra, and from spectra, or the user's own (own_spectra.smk), to noisy spectra.
# Needs: results/grids.  Makes: results/spectra, results/noisy.


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
        gpu=0,
        device=config["device"],
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
        gpu=0,
        device=config["device"],
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
