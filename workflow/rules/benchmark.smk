# A sweep over noise levels: mixture of experts, tower, Ridge and baselines on the same test stars.
# Needs: predictions of other runs, results/baselines.  Makes: results/{benchmark_run}.
SWEEP_FIGURES = ["r2_against_noise", "r2_against_snr"]


rule sweep:
    """Predictions side by side, resampled R², paired differences, bins of S/N."""
    input:
        code=code("sweep.py"),
        moe=benchmark_mixtures,
        towers=benchmark_towers,
        baselines=benchmark_baselines,
    output:
        predictions="results/{benchmark_run}/predictions.parquet",
        samples="results/{benchmark_run}/bootstrap_samples.parquet",
        differences=report(
            "results/{benchmark_run}/differences.csv", category="{benchmark_run}"
        ),
        by_snr=report("results/{benchmark_run}/by_snr.csv", category="{benchmark_run}"),
    log:
        "results/{benchmark_run}/logs/sweep.log",
    benchmark:
        "results/{benchmark_run}/benchmarks/sweep.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(10),
    params:
        code=code_sha("sweep.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        noise_levels=lambda wc: settings.runs[wc.benchmark_run].levels(),
        baselines=lookup(within=config, dpath="runs/{benchmark_run}/baselines"),
    message:
        "{wildcards.benchmark_run}: models at every noise level"
    script:
        "../scripts/sweep.py"


rule sweep_figures:
    """R² against noise level and against S/N, as PNG and PDF."""
    input:
        code=code("sweep_figures.py"),
        predictions="results/{benchmark_run}/predictions.parquet",
        samples="results/{benchmark_run}/bootstrap_samples.parquet",
        by_snr="results/{benchmark_run}/by_snr.csv",
    output:
        png=report(
            expand(
                "results/{{benchmark_run}}/figures/{figure}.png", figure=SWEEP_FIGURES
            ),
            category="{benchmark_run}",
        ),
        pdf=expand(
            "results/{{benchmark_run}}/figures/{figure}.pdf", figure=SWEEP_FIGURES
        ),
    log:
        "results/{benchmark_run}/logs/figures.log",
    benchmark:
        "results/{benchmark_run}/benchmarks/figures.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("sweep_figures.py"),
        summary=benchmark_summary,
    message:
        "{wildcards.benchmark_run}: figures"
    script:
        "../scripts/sweep_figures.py"


rule sweep_summary:
    """One row a noise level and model; written when everything else of the run is there."""
    input:
        code=code("sweep_summary.py"),
        predictions="results/{benchmark_run}/predictions.parquet",
        samples="results/{benchmark_run}/bootstrap_samples.parquet",
        tables=rules.sweep.output,
        figures=rules.sweep_figures.output,
        validated="results/{benchmark_run}/validated.json",
        sources=files_of_run,
    output:
        summary=report(
            "results/{benchmark_run}/summary.csv", category="{benchmark_run}"
        ),
        provenance="results/{benchmark_run}/provenance.json",
    log:
        "results/{benchmark_run}/logs/summary.log",
    benchmark:
        "results/{benchmark_run}/benchmarks/summary.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("sweep_summary.py"),
        about=about_provenance("sweep_summary"),
        summary=benchmark_summary,
    message:
        "{wildcards.benchmark_run}: summary"
    script:
        "../scripts/sweep_summary.py"
