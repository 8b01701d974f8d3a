# The user's own spectra.
# Needs: the user's files.  Makes: results/spectra.


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
        mem_mb=by_attempt(1000),
        runtime=by_attempt(60),
    params:
        code=code_sha("spectra_from_file.py"),
    message:
        "Data set {wildcards.dataset}: reading the user's files"
    script:
        "../scripts/spectra_from_file.py"
