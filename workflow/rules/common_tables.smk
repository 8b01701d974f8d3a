# The tables of a run, by the names of their schemas - functions only.


def moe_tables(run, folder, names):
    """``{schema: paths}`` of a mixture of experts."""
    features = f"{TRAINED}/{{family}}.parquet"
    return dict(
        features=[features.format(family=f, **names) for f in ("window", "quality")],
        expert_predictions=[f"{folder}/experts/predictions.parquet"],
        predictions=[f"{folder}/predictions.parquet"],
        gate_curves=[f"{folder}/gates/{gate}_curve.csv" for gate in ("mlp", "linear")],
        bootstrap=[f"{folder}/bootstrap.csv"],
        samples=[f"{folder}/bootstrap_samples.parquet"],
        per_bin=[f"{folder}/per_bin.csv"],
        hypotheses=[f"{folder}/hypotheses.csv"],
        calibration=[f"{folder}/calibration.csv"],
        residuals=[f"{folder}/residuals.csv"],
        giants_dwarfs=[f"{folder}/giants_dwarfs.csv"],
        stress=[f"{folder}/stress.csv"],
    )


def tower_tables(run, folder, names):
    """``{schema: paths}`` of a tower run."""
    towers = [
        (name, level, mode)
        for name, tower in run.towers.items()
        for level in tower.noise_levels
        for mode in run.ridge_modes
    ]
    paths = [f"{folder}/towers/{t}/noise_{level}/{mode}" for t, level, mode in towers]
    about = dict(dataset=run.dataset, n_train=run.n_train)
    features = {
        feature_file(family, level=level, mode=mode, **about)
        for name, level, mode in towers
        for family in run.towers[name].families
    }
    return dict(
        features=sorted(features),
        tower_predictions=[f"{path}_predictions.parquet" for path in paths],
        tower_curves=[f"{path}_curve.csv" for path in paths],
        ablation=[f"{folder}/ablation.csv"],
    )


def benchmark_tables(run, folder, names):
    """``{schema: paths}`` of a noise sweep."""
    return dict(
        sweep_predictions=[f"{folder}/predictions.parquet"],
        sweep_samples=[f"{folder}/bootstrap_samples.parquet"],
        differences=[f"{folder}/differences.csv"],
        by_snr=[f"{folder}/by_snr.csv"],
    )


def tables_of(name):
    """``{schema: paths}``: every table of a run but its summary; the schemas are in gravispec/data/schemas.py."""
    run, folder = settings.runs[name], f"results/{name}"
    names = dict(dataset=run.dataset, n_train=run.n_train, level=run.levels()[0])
    of_kind = dict(moe=moe_tables, tower=tower_tables, benchmark=benchmark_tables)
    tables = dict(
        stars=[STARS.format(**names)], **of_kind[run.kind](run, folder, names)
    )
    if run.baselines:
        names = [
            names | dict(level=level, baseline=b)
            for level in run.levels()
            for b in run.baselines
        ]
        tables["baseline_predictions"] = [BASELINE.format(**about) for about in names]
        if run.kind != "benchmark":
            tables["baselines"] = [f"{folder}/baselines.csv"]
    return tables


def tables_of_run(wildcards):
    """Input: every table of a run but its summary, by the name of its schema."""
    return tables_of(wildcards.any_run)
