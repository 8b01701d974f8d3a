# Figures, and the summary that waits for everything else.
# Needs: results/{run}.  Makes: results/{run}/figures, results/{run}/summary.csv.
FIGURES = [
    "r2_by_model",
    "delta_by_bin",
    "bootstrap",
    "gate_weights",
    "predicted_vs_true",
]


rule figures:
    """Five figures of a run's results, as PNG and PDF."""
    input:
        code=code("figures.py"),
        predictions="results/{run}/predictions.parquet",
        samples="results/{run}/bootstrap_samples.parquet",
        per_bin="results/{run}/per_bin.csv",
    output:
        png=report(
            expand("results/{{run}}/figures/{figure}.png", figure=FIGURES),
            category="{run}",
        ),
        pdf=expand("results/{{run}}/figures/{figure}.pdf", figure=FIGURES),
    log:
        "results/{run}/logs/figures.log",
    benchmark:
        "results/{run}/benchmarks/figures.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(10),
    params:
        code=code_sha("figures.py"),
        names=BIN_NAMES,
        metal_poor=METAL_POOR,
        confidence=config["evaluation"]["confidence"],
    message:
        "{wildcards.run}: figures of the results"
    script:
        "../scripts/figures.py"


rule figure_spectra:
    """Three test stars: clean, noisy, error; lines marked. Nothing is computed from it."""
    input:
        code=code("figure_spectra.py"),
        stars=of_run(STARS),
        wave=of_run(WAVE),
        flux=of_run(CLEAN, ["test"]),
        error=of_run(ERROR, ["test"]),
        noisy=of_run(NOISY, ["test"]),
    output:
        png=report("results/{run}/figures/spectra.png", category="{run}"),
        pdf="results/{run}/figures/spectra.pdf",
    log:
        "results/{run}/logs/figure_spectra.log",
    benchmark:
        "results/{run}/benchmarks/figure_spectra.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("figure_spectra.py"),
        noise_level=lookup(within=config, dpath="runs/{run}/noise_level"),
        continuum=lambda wc: settings.datasets[settings.runs[wc.run].dataset].continuum,
    message:
        "{wildcards.run}: figure of spectra"
    script:
        "../scripts/figure_spectra.py"


rule summary:
    """One row a model; written when every table and figure of the run is there."""
    input:
        code=code("summary.py"),
        predictions="results/{run}/predictions.parquet",
        samples="results/{run}/bootstrap_samples.parquet",
        tables=multiext(
            "results/{run}/", "bootstrap.csv", "per_bin.csv", "hypotheses.csv"
        ),
        figures=rules.figures.output + rules.figure_spectra.output,
        baselines=baseline_table,
        model="results/{run}/model.safetensors",
        quality=rules.coverage.output
        + rules.residuals.output
        + rules.stress.output
        + rules.quality_figures.output,
        validated="results/{run}/validated.json",
        sources=files_of_run,
    output:
        summary=report("results/{run}/summary.csv", category="{run}"),
        provenance="results/{run}/provenance.json",
    log:
        "results/{run}/logs/summary.log",
    benchmark:
        "results/{run}/benchmarks/summary.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("summary.py"),
        about=about_provenance("summary"),
        noise_level=lookup(within=config, dpath="runs/{run}/noise_level"),
        n_train=lookup(within=config, dpath="runs/{run}/n_train"),
        confidence=config["evaluation"]["confidence"],
    message:
        "{wildcards.run}: summary"
    script:
        "../scripts/summary.py"
