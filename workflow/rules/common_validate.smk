# What the rule validate computes tables again from: models, spectra and settings of a run - functions only.


def recomputed_from(wildcards):
    """Input: models and spectra of a run, by the names that gravispec/evaluation/recompute.py has for them."""
    run, folder = settings.runs[wildcards.any_run], f"results/{wildcards.any_run}"
    dataset = settings.datasets[run.dataset]
    names = dict(dataset=run.dataset, n_train=run.n_train, level=run.levels()[0])
    files = {}
    if dataset.kind == "pfsspec":
        files["user"] = [dataset.train, dataset.val, dataset.test]
    if run.kind == "moe":
        files |= dict(
            flux=all_shards(NOISY, **names),
            global_ridge=[f"{TRAINED}/ridge.npz".format(**names)],
            experts=[f"{folder}/experts/{k}.npz" for k in range(len(BIN_NAMES))],
            gates=[
                f"{folder}/gates/{g}.safetensors" for g in ("classify", "mlp", "linear")
            ],
            intervals=[f"{folder}/calibration.json"],
        )
    if run.kind == "tower":
        tables = tables_of(wildcards.any_run)["tower_predictions"]
        suffixes = "_predictions.parquet", ".safetensors"
        files["towers"] = [path.replace(*suffixes) for path in tables]
    if run.kind == "benchmark":
        files["mixtures"] = benchmark_mixtures(wildcards)
        files["towers"] = benchmark_towers(wildcards)
    return files


def about_tables(wildcards):
    """Param: the settings that decide what is in the tables of a run."""
    run = settings.runs[wildcards.any_run]
    dataset = settings.datasets[run.dataset]
    about = dict(
        run=wildcards.any_run,
        n_train=run.n_train,
        seed=settings.seed,
        edges=EDGES,
        bin_names=BIN_NAMES,
        baselines=baselines_of_run(wildcards),
        baseline_names=run.baselines,
        levels=run.levels(),
        **BOOTSTRAP,
    )
    if dataset.kind == "lte":
        about["labels"] = config["datasets"][run.dataset]["labels"]
        about["n_stars"] = config["datasets"][run.dataset]["n_stars"]
        about["axes"] = list(settings.grids[dataset.grid].axes.given())
    if run.kind == "moe":
        about["data"] = gate_data(wildcards)
        about["fallback_weight"] = settings.gates.fallback_weight
    if run.kind == "tower":
        about["towers"] = trained_towers(wildcards)
        about["features"] = [
            {
                family: feature_file(
                    family,
                    dataset=run.dataset,
                    n_train=run.n_train,
                    level=at["noise_level"],
                    mode=at["mode"],
                )
                for family in at["families"]
            }
            for at in about["towers"]
        ]
    return about
