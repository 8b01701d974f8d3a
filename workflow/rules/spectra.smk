# From a grid, or from the user's files, to noisy spectra.
# Needs: results/grids or the user's files.  Makes: results/spectra, results/noisy.


rule spectra:
    """Draw stars; interpolate their clean flux; model the error of every pixel."""
    input:
        code=code("spectra.py"),
        grid=lambda wc: f"results/grids/{settings.datasets[wc.dataset].grid}/grid.npz",
    output:
        stars=STARS,
        wave="results/spectra/{dataset}/wave.npy",
        flux="results/spectra/{dataset}/flux.npy",
        error="results/spectra/{dataset}/error.npy",
    log:
        "results/spectra/{dataset}/logs/spectra.log",
    benchmark:
        "results/spectra/{dataset}/benchmarks/spectra.tsv"
    wildcard_constraints:
        dataset=datasets_of("lte"),
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(20),
    params:
        code=code_sha("spectra.py"),
        seed=config["seed"],
        n_stars=lookup(within=config, dpath="datasets/{dataset}/n_stars"),
        labels=lookup(within=config, dpath="datasets/{dataset}/labels"),
    message:
        "Data set {wildcards.dataset}: labels, clean flux, errors"
    script:
        "../scripts/spectra.py"


rule spectra_from_file:
    """Bring the user's pfsspec files into the same layout."""
    input:
        code=code("spectra_from_file.py"),
        train=lookup(within=config, dpath="datasets/{dataset}/train"),
        val=lookup(within=config, dpath="datasets/{dataset}/val"),
        test=lookup(within=config, dpath="datasets/{dataset}/test"),
    output:
        stars=STARS,
        wave="results/spectra/{dataset}/wave.npy",
        flux="results/spectra/{dataset}/flux.npy",
        error="results/spectra/{dataset}/error.npy",
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
    """Add noise. No other rule reads clean flux, but for the stress table."""
    input:
        code=code("noisy.py"),
        stars=STARS,
        wave="results/spectra/{dataset}/wave.npy",
        flux="results/spectra/{dataset}/flux.npy",
        error="results/spectra/{dataset}/error.npy",
    output:
        flux=NOISY,
        samples="results/noisy/{dataset}/noise_{level}/samples.npz",
    log:
        "results/noisy/{dataset}/noise_{level}/logs/noisy.log",
    benchmark:
        "results/noisy/{dataset}/noise_{level}/benchmarks/noisy.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(20),
    params:
        code=code_sha("noisy.py"),
        seed=config["seed"],
        noise_level=lambda wc: float(wc.level),
        normalisation=normalisation,
    message:
        "Data set {wildcards.dataset}: noise at level {wildcards.level}"
    script:
        "../scripts/noisy.py"
