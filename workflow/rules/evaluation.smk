# A run: its models measured on the test stars, at every noise level and number of training stars.
# Needs: results/models, results/features.  Makes: the tables of results/{run}, results/comparison.


def model_files(run):
    """The fitted models of a run, cell by cell."""
    dataset = settings.runs[run].dataset
    return [
        model_file(name, dataset=dataset, level=level, n_train=n_train)
        for level, n_train, names in settings.runs[run].cells()
        for name in names
    ]


def compared(wildcards):
    """What a comparison sets side by side: run, model, noise level, training stars and predictions, level by level."""
    entries = [entry.partition(":")[::2] for entry in settings.comparisons[wildcards.comparison]]
    cells = [max_cells(run) for run, _ in entries]
    found = []
    for level in sorted(set.intersection(*(set(of_run) for of_run in cells))):
        common = [set(of_run[level][1]) for of_run in cells]
        for (run, model), of_run in zip(entries, cells):
            n_train, names = of_run[level]
            for name in [model] if model else [n for n in names if all(n in c for c in common)]:
                at = dict(dataset=settings.runs[run].dataset, level=level, n_train=n_train)
                path = f"{MODEL}/predictions.parquet".format(model=name, **at)
                found.append(dict(run=run, model=name, noise_level=level, n_train=n_train, path=path))
    return found


def max_cells(run):
    """``{noise level: (n_train, models)}`` of the most training stars at each."""
    return {level: (n_train, names) for level, n_train, names in settings.runs[run].cells()}


rule predictions:
    """Labels by every model for every validation and test star, with S/N, χ² and how the star is used."""
    input:
        code=code("predictions.py"),
        stars=of_run(STARS),
        quality=of_cells(f"{TRAINED}/quality.parquet"),
        models=of_cells(f"{MODEL}/predictions.parquet", per_model=True),
    output:
        "results/{run}/predictions.parquet",
    log:
        "results/{run}/logs/predictions.log",
    benchmark:
        "results/{run}/benchmarks/predictions.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("predictions"),
    params:
        code=code_sha("predictions.py"),
        cells=lambda wc: settings.runs[wc.run].cells(),
        leading=lambda wc: leading(wc.run),
        edges=EDGES,
        validation=config["validation"],
    script:
        "../scripts/predictions.py"


rule calibration:
    """Intervals of the labels by every model, from validation stars that served nothing else."""
    input:
        code=code("calibration.py"),
        predictions="results/{run}/predictions.parquet",
    output:
        "results/{run}/calibration/noise_{level}.json",
    log:
        "results/{run}/logs/calibration_{level}.log",
    benchmark:
        "results/{run}/benchmarks/calibration_{level}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("calibration"),
    params:
        code=code_sha("calibration.py"),
        deployed=lambda wc: deployed(wc.run, wc.level),
    script:
        "../scripts/calibration.py"


rule tables:
    """Resampled R² of every model, paired differences, bins, S/N, hypotheses, curves of training."""
    input:
        code=code("tables.py"),
        predictions="results/{run}/predictions.parquet",
        models=lambda wc: model_files(wc.run),
    output:
        samples="results/{run}/bootstrap_samples.parquet",
        bootstrap=report("results/{run}/bootstrap.csv", category="{run}"),
        per_bin=report("results/{run}/per_bin.csv", category="{run}"),
        by_snr=report("results/{run}/by_snr.csv", category="{run}"),
        hypotheses=report("results/{run}/hypotheses.csv", category="{run}"),
        curves="results/{run}/training_curves.csv",
    log:
        "results/{run}/logs/tables.log",
    benchmark:
        "results/{run}/benchmarks/tables.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("tables"),
    params:
        code=code_sha("tables.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        bin_names=BIN_NAMES,
        cells=lambda wc: settings.runs[wc.run].cells(),
        models=lambda wc: models_of(wc.run),
        run=about_run,
    script:
        "../scripts/tables.py"


rule quality:
    """Coverage of the intervals with the band in which it should lie; residuals; giants taken for dwarfs."""
    input:
        code=code("quality.py"),
        predictions="results/{run}/predictions.parquet",
        calibration=lambda wc: expand(rules.calibration.output[0], level=LEVELS[wc.run], run=wc.run),
    output:
        coverage=report("results/{run}/calibration.csv", category="{run}"),
        residuals=report("results/{run}/residuals.csv", category="{run}"),
        giants_dwarfs=report("results/{run}/giants_dwarfs.csv", category="{run}"),
    log:
        "results/{run}/logs/quality.log",
    benchmark:
        "results/{run}/benchmarks/quality.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("quality"),
    params:
        code=code_sha("quality.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
    script:
        "../scripts/quality.py"


rule comparison:
    """Models of several runs on the same test stars, with paired intervals."""
    input:
        code=code("comparison.py"),
        stars=lambda wc: STARS.format(dataset=settings.runs[compared(wc)[0]["run"]].dataset),
        models=lambda wc: [entry["path"] for entry in compared(wc)],
    output:
        report("results/comparison/{comparison}.csv", category="comparison"),
    log:
        "results/comparison/logs/{comparison}.log",
    benchmark:
        "results/comparison/benchmarks/{comparison}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("comparison"),
    params:
        code=code_sha("comparison.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        edges=EDGES,
        entries=lambda wc: [{k: v for k, v in e.items() if k != "path"} for e in compared(wc)],
    script:
        "../scripts/comparison.py"
