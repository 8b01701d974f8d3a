# A run made ready for spectra that it has never seen, its figures, and the summary that waits for everything else.
# Needs: results/models, the tables of results/{run}.  Makes: model.safetensors, stress.csv, figures, summary.csv.
# what figures can read, beside settings
DRAWN = dict(
    predictions=rules.predictions.output[0],
    **dict(rules.tables.output.items()),
    **dict(rules.quality.output.items()),
)


rule trained_run:
    """All that turns spectra into labels in one file: models of every noise level, what they share, intervals, limits."""
    input:
        unpack(runs.bundled_files),
        code=code("trained_run.py"),
        module=modules(runs.modules),
        stars=runs.in_dataset(STARS),
        wave=runs.in_dataset(WAVE),
        predictions="results/{run}/predictions.parquet",
        calibration=rules.quality.input.calibration,
    output:
        "results/{run}/model.safetensors",
    log:
        "results/{run}/logs/trained_run.log",
    benchmark:
        "results/{run}/benchmarks/trained_run.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("trained_run"),
    params:
        code=code_sha("trained_run.py"),
        module_code=modules_sha(runs.modules),
        levels=runs.bundled,
        leading=runs.leading,
        edges=EDGES,
        normalisation=lambda wc: runs.spectra(wc, "median", "continuum"),
        config=runs.config_behind,
    script:
        "../scripts/trained_run.py"


rule stress:
    """Test spectra perturbed before the noise comes. Reads clean flux; nothing is computed from its table."""
    input:
        unpack(runs.grid_for_stress),
        code=code("stress.py"),
        module=modules(runs.modules),
        stars=runs.in_dataset(STARS),
        wave=runs.in_dataset(WAVE),
        flux=runs.in_dataset(CLEAN, ["test"]),
        error=runs.in_dataset(ERROR, ["test"]),
        model="results/{run}/model.safetensors",
    output:
        "results/{run}/stress/noise_{level}.csv",
    log:
        "results/{run}/logs/stress_{level}.log",
    benchmark:
        "results/{run}/benchmarks/stress_{level}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("stress"),
    params:
        code=code_sha("stress.py"),
        module_code=modules_sha(runs.modules),
        seed=config["seed"],
        spectra=lambda wc: runs.spectra(wc, "median", "fwhm"),
        bootstrap=BOOTSTRAP,
        fast=lambda wc: runs.stressed(wc, slow=False),
        slow=lambda wc: runs.stressed(wc, slow=True),
    script:
        "../scripts/stress.py"


rule stress_table:
    """The same of all noise levels in one table."""
    input:
        code=code("stress_table.py"),
        levels=lambda wc: expand(rules.stress.output[0], level=runs.levels(wc), run=wc.run),
    output:
        shown("results/{run}/stress.csv", "stress"),
    log:
        "results/{run}/logs/stress_table.log",
    benchmark:
        "results/{run}/benchmarks/stress_table.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("stress_table"),
    params:
        code=code_sha("stress_table.py"),
    script:
        "../scripts/stress_table.py"


# figures are modules of gravispec/report/figures; some are drawn only of runs with several levels, with gates, curves, posteriors
for only in ("any", "levels", "weights", "curve", "posterior"):

    rule:
        name:
            f"figures_{only}"
        input:
            unpack(lambda wc, only=only: drawn_from(only, DRAWN)),
            code=code("figures.py"),
            figure=tracked(*figure_modules(only)),
        output:
            png=shown_figures(figures_of(only)),
            pdf=expand("results/{{run}}/figures/{figure}.pdf", figure=figures_of(only)),
        log:
            f"results/{{run}}/logs/figures_{only}.log",
        benchmark:
            f"results/{{run}}/benchmarks/figures_{only}.tsv"
        conda:
            "../../envs/cpu.yaml"
        resources:
            **needs("figures"),
        params:
            code=code_sha("figures.py"),
            figure_code=modules_sha(lambda wc, only=only: figure_modules(only)),
            models=runs.models,
            run=runs.entry,
            confidence=config["evaluation"]["confidence"],
            bin_names=BIN_NAMES,
            metal_poor=[k for k in range(len(BIN_NAMES)) if k % len(settings.bins.M_H_names) == 0],
        script:
            "../scripts/figures.py"


rule figure_spectra:
    """Three test stars: clean, noisy, error; lines marked. Nothing is computed from it."""
    input:
        code=code("figure_spectra.py"),
        stars=runs.in_dataset(STARS),
        wave=runs.in_dataset(WAVE),
        flux=runs.in_dataset(CLEAN, ["test"]),
        error=runs.in_dataset(ERROR, ["test"]),
        noisy=runs.in_dataset(NOISY, ["test"]),
    output:
        png=shown("results/{run}/figures/spectra.png", "clean and noisy spectra of three test stars", kind="figures"),
        pdf="results/{run}/figures/spectra.pdf",
    log:
        "results/{run}/logs/figure_spectra.log",
    benchmark:
        "results/{run}/benchmarks/figure_spectra.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("figure_spectra"),
    params:
        code=code_sha("figure_spectra.py"),
        noise_level=lambda wc: float(runs.levels(wc)[0]),
        continuum=lambda wc: runs.spectra(wc, "continuum")["continuum"],
    script:
        "../scripts/figure_spectra.py"


rule summary:
    """A row a model, noise level, number of training stars; written when every table and figure of the run is there."""
    input:
        code=code("summary.py"),
        predictions="results/{run}/predictions.parquet",
        samples=rules.tables.output.samples,
        models=rules.tables.input.models,
        tables=[*rules.tables.output, *rules.quality.output, *rules.stress_table.output],
        figures=lambda wc: expand(
            "results/{run}/figures/{figure}.{ending}",
            run=wc.run,
            figure=runs.figures(wc),
            ending=["png", "pdf"],
        ),
        spectra=rules.figure_spectra.output,
        page="results/{run}/report.html",
        model=rules.trained_run.output,
        validated=rules.validate.output,
        sources=sources,
    output:
        summary=shown("results/{run}/summary.csv", "summary: a row a model"),
        provenance="results/{run}/provenance.json",
    log:
        "results/{run}/logs/summary.log",
    benchmark:
        "results/{run}/benchmarks/summary.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("summary"),
    params:
        code=code_sha("summary.py"),
        behind=behind("summary.csv"),
        confidence=config["evaluation"]["confidence"],
        cells=runs.cells,
        models=runs.models,
        run=runs.entry,
    script:
        "../scripts/summary.py"
