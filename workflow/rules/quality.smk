# How good the predicted labels and their intervals are, on the test stars.
# Needs: results/{run}/predictions.parquet, calibration.json, model.safetensors.
# Makes: results/{run}/calibration, residuals, giants_dwarfs, stress; three figures.
QUALITY_FIGURES = ["coverage", "residuals", "giants_dwarfs"]


rule coverage:
    """Coverage of the intervals, with the band in which it should lie."""
    input:
        code=code("coverage.py"),
        predictions="results/{run}/predictions.parquet",
        calibration="results/{run}/calibration.json",
    output:
        report("results/{run}/calibration.csv", category="{run}"),
    log:
        "results/{run}/logs/coverage.log",
    benchmark:
        "results/{run}/benchmarks/coverage.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("coverage.py"),
    message:
        "{wildcards.run}: coverage of the intervals"
    script:
        "../scripts/coverage.py"


rule residuals:
    """Bias, scatter and outliers against every label and S/N; giants taken for dwarfs."""
    input:
        code=code("residuals.py"),
        predictions="results/{run}/predictions.parquet",
        calibration="results/{run}/calibration.json",
    output:
        residuals=report("results/{run}/residuals.csv", category="{run}"),
        giants_dwarfs=report("results/{run}/giants_dwarfs.csv", category="{run}"),
    log:
        "results/{run}/logs/residuals.log",
    benchmark:
        "results/{run}/benchmarks/residuals.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("residuals.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
    message:
        "{wildcards.run}: residuals"
    script:
        "../scripts/residuals.py"


rule stress:
    """Test spectra perturbed before the noise comes. Reads clean flux; nothing is computed from its table."""
    input:
        code=code("stress.py"),
        stars=of_run(STARS),
        wave=of_run(WAVE),
        flux=of_run(CLEAN, ["test"]),
        error=of_run(ERROR, ["test"]),
        model="results/{run}/model.safetensors",
    output:
        report("results/{run}/stress.csv", category="{run}"),
    log:
        "results/{run}/logs/stress.log",
    benchmark:
        "results/{run}/benchmarks/stress.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(20),
    params:
        code=code_sha("stress.py"),
        seed=config["seed"],
        spectra=spectra_of_run,
        bootstrap=BOOTSTRAP,
    message:
        "{wildcards.run}: predictions under stress"
    script:
        "../scripts/stress.py"


rule quality_figures:
    """Coverage, residuals, giants against dwarfs, as PNG and PDF."""
    input:
        code=code("quality_figures.py"),
        predictions="results/{run}/predictions.parquet",
        coverage="results/{run}/calibration.csv",
        residuals="results/{run}/residuals.csv",
        giants_dwarfs="results/{run}/giants_dwarfs.csv",
    output:
        png=report(
            expand("results/{{run}}/figures/{figure}.png", figure=QUALITY_FIGURES),
            category="{run}",
        ),
        pdf=expand("results/{{run}}/figures/{figure}.pdf", figure=QUALITY_FIGURES),
    log:
        "results/{run}/logs/quality_figures.log",
    benchmark:
        "results/{run}/benchmarks/quality_figures.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("quality_figures.py"),
    message:
        "{wildcards.run}: figures of the quality of the predictions"
    script:
        "../scripts/quality_figures.py"
