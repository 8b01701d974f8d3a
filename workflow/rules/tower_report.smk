# Tables and figures of a tower run; a kind of run writes its own summary.
# Needs: results/{tower_run}/towers.  Makes: results/{tower_run}/ablation.csv, figures, hypotheses.csv, summary.csv.
TOWER_FIGURES = ["learning_curves", "predicted_vs_true"]


rule tower_ablation:
    """What each family adds: paired differences of R², with intervals."""
    input:
        code=code("tower_ablation.py"),
        predictions=tower_files("_predictions.parquet"),
    output:
        report("results/{tower_run}/ablation.csv", category="{tower_run}"),
    log:
        "results/{tower_run}/logs/ablation.log",
    benchmark:
        "results/{tower_run}/benchmarks/ablation.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("tower_ablation.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        towers=trained_towers,
    message:
        "{wildcards.tower_run}: what each family adds"
    script:
        "../scripts/tower_ablation.py"


rule tower_figures:
    """Learning curves, and predicted against true log g, as PNG and PDF."""
    input:
        code=code("tower_figures.py"),
        curves=tower_files("_curve.csv"),
        predictions=tower_files("_predictions.parquet"),
    output:
        png=report(
            expand("results/{{tower_run}}/figures/{figure}.png", figure=TOWER_FIGURES),
            category="{tower_run}",
        ),
        pdf=expand("results/{{tower_run}}/figures/{figure}.pdf", figure=TOWER_FIGURES),
    log:
        "results/{tower_run}/logs/figures.log",
    benchmark:
        "results/{tower_run}/benchmarks/figures.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("tower_figures.py"),
        towers=trained_towers,
    message:
        "{wildcards.tower_run}: figures"
    script:
        "../scripts/tower_figures.py"


rule tower_summary:
    """One row a model, noise level and mode, and the verdicts; written when everything else of the run is there."""
    input:
        code=code("tower_summary.py"),
        scores=tower_scores_of_run,
        ablation="results/{tower_run}/ablation.csv",
        baselines=baseline_table,
        figures=rules.tower_figures.output,
        validated="results/{tower_run}/validated.json",
        sources=files_of_run,
    output:
        summary=report("results/{tower_run}/summary.csv", category="{tower_run}"),
        verdicts=report("results/{tower_run}/hypotheses.csv", category="{tower_run}"),
        provenance="results/{tower_run}/provenance.json",
    log:
        "results/{tower_run}/logs/summary.log",
    benchmark:
        "results/{tower_run}/benchmarks/summary.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("tower_summary.py"),
        about=about_provenance("tower_summary"),
        towers=trained_towers,
    message:
        "{wildcards.tower_run}: summary"
    script:
        "../scripts/tower_summary.py"
