# From a grid to spectra, or from the user's own files, and from these to noisy spectra.
# Needs: results/grids, the user's files.  Makes: results/spectra, results/noisy.


rule spectra:
    """Draw the stars of a shard; interpolate their clean flux; find what the error of every pixel follows from."""
    input:
        code=code("spectra.py"),
        grid=plan.grid,
    output:
        stars=STARS_OF_SHARD,
        flux=CLEAN,
        error=ERROR,
    log:
        "results/spectra/{dataset}/logs/spectra_{shard}.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra_{shard}.tsv"
    wildcard_constraints:
        dataset=of_kind("lte", settings.datasets),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("spectra", gpu=0, device=config["device"]),
    params:
        code=code_sha("spectra.py"),
        seed=config["seed"],
        shard=plan.shard,
        labels=lookup(within=config, dpath="datasets/{dataset}/labels"),
        nuisances=plan.nuisances,
    script:
        "../scripts/spectra.py"


rule stars:
    """All stars in one table; the wavelengths of all spectra."""
    input:
        code=code("stars.py"),
        grid=plan.grid,
        shards=sharded(STARS_OF_SHARD),
    output:
        stars=STARS,
        wave=WAVE,
    log:
        "results/spectra/{dataset}/logs/stars.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/stars.tsv"
    wildcard_constraints:
        dataset=of_kind("lte", settings.datasets),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("stars"),
    params:
        code=code_sha("stars.py"),
    script:
        "../scripts/stars.py"


rule noisy:
    """Add noise to a shard; normalise flux and 1σ. Clean flux is read by no other rule but stress and figure_spectra, which nothing comes from."""
    input:
        unpack(plan.stars_with_nuisances),
        code=code("noisy.py"),
        wave=WAVE,
        flux=CLEAN,
        error=ERROR,
    output:
        flux=NOISY,
        sigma=SIGMA,
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
        shard=lambda wc: plan.shard(wc)[:2],
        normalisation=plan.normalisation,
        nuisances=plan.nuisances,
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
        flux=expand(CLEAN, shard=USER_SHARDS, allow_missing=True),
        error=expand(ERROR, shard=USER_SHARDS, allow_missing=True),
    log:
        "results/spectra/{dataset}/logs/spectra.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra.tsv"
    wildcard_constraints:
        dataset=of_kind("pfsspec", settings.datasets),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("spectra_from_file"),
    params:
        code=code_sha("spectra_from_file.py"),
    script:
        "../scripts/spectra_from_file.py"
