# A run made ready for spectra that it has never seen, its figures, and the summary that waits for everything else.
# Needs: results/models, the tables of results/{run}.  Makes: model.safetensors, stress.csv, figures, summary.csv.
DRAWN = dict(  # what figures can read, beside settings
    predictions=rules.predictions.output[0],
    samples=rules.tables.output.samples,
    bootstrap=rules.tables.output.bootstrap,
    per_bin=rules.tables.output.per_bin,
    by_snr=rules.tables.output.by_snr,
    curves=rules.tables.output.curves,
    coverage=rules.quality.output.coverage,
    residuals=rules.quality.output.residuals,
    giants_dwarfs=rules.quality.output.giants_dwarfs,
)


def shared_fits(wildcards):
    """Input: for every noise level what models share, what families fitted, and the spectra that fill masked pixels."""
    found = {key: [] for key in ("pca", "ridge", "shape", "experts", "families", "val")}
    for level in LEVELS[wildcards.run]:
        n_train, names = deployed(wildcards.run, level)
        at = dict(dataset=settings.runs[wildcards.run].dataset, level=level, n_train=n_train)
        found["val"] += all_shards(NOISY, ["val"], **at)
        for key in ("pca", "ridge", "shape"):
            found[key].append(f"{TRAINED}/{key}.npz".format(**at))
        if any("experts" in PLUGINS[name].reads for name in needed(names)):
            found["experts"] += expand(rules.expert.output[0], bin=range(len(BIN_NAMES)), **at)
        found["families"] += [FAMILY_FIT.format(family=f, **at) for f in fitted_families(names)]
    return found


def needed(names):
    """These models and those that they name."""
    return list(dict.fromkeys(other for name in names for other in behind(name, settings.models)))


def fitted_families(names):
    """The families among what these models read that have a fit."""
    read = [family for name in needed(names) for family in families_of(settings.models[name])]
    return [family for family in FITTED_FAMILIES if family in read]


def bundled(wildcards):
    """Param: what the file of a trained run holds at every noise level."""
    found = []
    for level in LEVELS[wildcards.run]:
        n_train, names = deployed(wildcards.run, level)
        with_experts = any("experts" in PLUGINS[name].reads for name in needed(names))
        found.append(
            dict(
                level=float(level),
                n_train=n_train,
                shown=names,
                models=[dict(about_model_of(name), name=name) for name in needed(names)],
                experts=len(BIN_NAMES) if with_experts else 0,
                families=fitted_families(names),
            )
        )
    return found


def about_model_of(name):
    about = config["models"][name]
    return dict(module=about["module"], options=options_of(about), label=about["label"])


def bundled_models(wildcards):
    """Input: the fitted models, level by level."""
    found = []
    for level in LEVELS[wildcards.run]:
        n_train, names = deployed(wildcards.run, level)
        at = dict(dataset=settings.runs[wildcards.run].dataset, level=level, n_train=n_train)
        found += [model_file(name, **at) for name in needed(names)]
    return found


def code_of_models(wildcards):
    """The modules of all models of a run and of the families that they read."""
    return module_files(*deployed(wildcards.run)[1])


def spectra_of_run(wildcards):
    """Param: normalisation and line spread function of the spectra of a run."""
    dataset = settings.datasets[settings.runs[wildcards.run].dataset]
    sharpness = dataset if dataset.kind == "pfsspec" else settings.grids[dataset.grid]
    return dict(median=dataset.median, continuum=dataset.continuum, fwhm=sharpness.fwhm)


rule trained_run:
    """All that turns spectra into labels in one file: models of every noise level, what they share, intervals, limits."""
    input:
        unpack(shared_fits),
        code=code("trained_run.py"),
        module=lambda wc: [file for module in code_of_models(wc) for file in tracked(module)],
        stars=of_run(STARS),
        wave=of_run(WAVE),
        models=bundled_models,
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
        module_code=lambda wc: code_sha(*code_of_models(wc)),
        levels=bundled,
        leading=lambda wc: leading(wc.run),
        bins=dict(T_eff=settings.bins.T_eff, M_H=settings.bins.M_H, names=BIN_NAMES),
        normalisation=lambda wc: {k: v for k, v in spectra_of_run(wc).items() if k != "fwhm"},
        config=lambda wc: config_behind(wc.run),
    script:
        "../scripts/trained_run.py"


rule stress:
    """Test spectra perturbed before the noise comes. Reads clean flux; nothing is computed from its table."""
    input:
        code=code("stress.py"),
        module=lambda wc: [file for module in code_of_models(wc) for file in tracked(module)],
        stars=of_run(STARS),
        wave=of_run(WAVE),
        flux=of_run(CLEAN, ["test"]),
        error=of_run(ERROR, ["test"]),
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
        module_code=lambda wc: code_sha(*code_of_models(wc)),
        seed=config["seed"],
        spectra=lambda wc: {k: v for k, v in spectra_of_run(wc).items() if k != "continuum"},
        bootstrap=BOOTSTRAP,
        noise_level=lambda wc: float(wc.level),
        fast=lambda wc: [n for n in deployed(wc.run, wc.level)[1] if n not in models_that("slow")],
        slow=lambda wc: [n for n in deployed(wc.run, wc.level)[1] if n in models_that("slow")],
    script:
        "../scripts/stress.py"


rule stress_table:
    """The same of all noise levels in one table."""
    input:
        code=code("stress_table.py"),
        levels=lambda wc: expand(rules.stress.output[0], level=LEVELS[wc.run], run=wc.run),
    output:
        report("results/{run}/stress.csv", category="{run}"),
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


def figure_module(name):
    return f"gravispec/report/figures/{name}.py"


def drawn_from(group):
    """Input: the tables that these figures read."""
    read = {name for figure in figures_of(group) for name in figure_inputs(figure)}
    return {name: path for name, path in DRAWN.items() if name in read}


# figures are modules of gravispec/report/figures; some are drawn only of runs with several levels, with gates, with curves
for only in ("any", "levels", "weights", "curve"):

    rule:
        name:
            f"figures_{only}"
        input:
            unpack(lambda wc, only=only: drawn_from(only)),
            code=code("figures.py"),
            figure=lambda wc, only=only: [f for name in figures_of(only) for f in tracked(figure_module(name))],
        output:
            png=report(
                expand("results/{{run}}/figures/{figure}.png", figure=figures_of(only)),
                category="{run}",
            ),
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
            figure_code=code_sha(*(figure_module(name) for name in figures_of(only))),
            models=lambda wc: models_of(wc.run),
            run=about_run,
            confidence=config["evaluation"]["confidence"],
            bin_names=BIN_NAMES,
            metal_poor=[k for k in range(len(BIN_NAMES)) if k % len(settings.bins.M_H_names) == 0],
        script:
            "../scripts/figures.py"


def figures_of_run(wildcards):
    """Input: the figures of a run."""
    run = settings.runs[wildcards.run]
    declared = {word for name in run.names() for word in PLUGINS[name].declares}
    groups = ["any", *({"levels"} if len(run.noise_level) > 1 else ()), *({"weights", "curve"} & declared)]
    names = [name for only in sorted(groups) for name in figures_of(only)]
    return expand("results/{run}/figures/{figure}.{ending}", run=wildcards.run, figure=names, ending=["png", "pdf"])


rule figure_spectra:
    """Three test stars: clean, noisy, error; lines marked. Nothing is computed from it."""
    input:
        code=code("figure_spectra.py"),
        stars=of_run(STARS),
        wave=of_run(WAVE),
        flux=of_run(CLEAN, ["test"]),
        error=of_run(ERROR, ["test"]),
        noisy=lambda wc: of_run(NOISY.replace("{level}", LEVELS[wc.run][0]), ["test"])(wc),
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
        **needs("figure_spectra"),
    params:
        code=code_sha("figure_spectra.py"),
        noise_level=lambda wc: float(LEVELS[wc.run][0]),
        continuum=lambda wc: spectra_of_run(wc)["continuum"],
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
        figures=figures_of_run,
        spectra=rules.figure_spectra.output,
        model=rules.trained_run.output,
        validated=rules.validate.output,
        sources=sources,
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
        **needs("summary"),
    params:
        code=code_sha("summary.py"),
        about=about_provenance,
        confidence=config["evaluation"]["confidence"],
        cells=lambda wc: settings.runs[wc.run].cells(),
        models=lambda wc: models_of(wc.run),
        run=about_run,
    script:
        "../scripts/summary.py"
