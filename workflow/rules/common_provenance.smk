# What is behind a summary: files, code, configuration - functions only.


def source_files(run):
    """The grid that a data set is interpolated in, or the user's files."""
    dataset = settings.datasets[run.dataset]
    if dataset.kind == "pfsspec":
        return [dataset.train, dataset.val, dataset.test]
    folder = f"results/grids/{dataset.grid}"
    listed = [f"{folder}/files.csv"] * (settings.grids[dataset.grid].kind == "bosz")
    return [f"{folder}/grid.npz", *listed]


def files_of_run(wildcards):
    """Input: everything that a summary rests on, for provenance.json; what the clean flux was is in seed and code."""
    name = named_run(wildcards)
    run, folder = settings.runs[name], f"results/{name}"
    names = dict(dataset=run.dataset, n_train=run.n_train)
    levels = [dict(level=level, **names) for level in run.levels()]
    models = dict(
        moe=lambda: [
            *expand(f"{folder}/experts/{{bin}}.npz", bin=range(len(BIN_NAMES))),
            *expand(
                f"{folder}/gates/{{gate}}.safetensors",
                gate=["classify", "mlp", "linear"],
            ),
            f"{folder}/calibration.json",
            f"{folder}/shape.npz",
            f"{folder}/model.safetensors",
        ],
        tower=lambda: [
            path.replace("_predictions.parquet", ".safetensors")
            for path in tables_of(name)["tower_predictions"]
        ],
        benchmark=lambda: benchmark_mixtures(wildcards) + benchmark_towers(wildcards),
    )
    return [
        *source_files(run),
        WAVE.format(**names),
        *(path for at in levels for path in all_shards(NOISY, **at)),
        *(f"{TRAINED}/ridge.npz".format(**at) for at in levels),
        *(f"{TRAINED}/pca.npz".format(**at) for at in levels),
        *models[run.kind](),
        *(path for paths in tables_of(name).values() for path in paths),
    ]


# scripts behind a summary, by kind of run, grid and data set; those of figures are not
MIXTURE = ["expert", "expert_predictions", "gate_classify", "gate", "predictions"]
SCRIPTS = dict(
    moe=[
        *MIXTURE,
        *["bootstrap", "per_bin", "hypotheses", "calibration", "shape", "model"],
        *["coverage", "residuals", "stress"],
    ],
    tower=["tower", "tower_scores", "tower_ablation"],
    benchmark=[*MIXTURE, "tower", "sweep"],
)
SOURCE_SCRIPTS = dict(
    lte=["grid_shard", "grid", "spectra", "stars"],
    bosz=["bosz_files", "bosz_shard", "bosz_grid", "spectra", "stars"],
    pfsspec=["spectra_from_file"],
)


def code_behind(run, script):
    """``{file: digest}`` of the scripts, feature families and baselines behind a run's summary."""
    dataset = settings.datasets[run.dataset]
    grid = settings.grids.get(getattr(dataset, "grid", None))
    scripts = [*SOURCE_SCRIPTS[grid.kind if grid else dataset.kind], *SCRIPTS[run.kind]]
    scripts += ["noisy", "moments", "global_ridge", "feature", "feature_table"]
    scripts += ["validate", script]
    if run.baselines:
        scripts += ["baseline"] + ["baseline_table"] * (run.kind != "benchmark")
    families = [] if run.kind == "tower" else ["window", "quality"]
    families += getattr(run, "families", [])
    for tower in getattr(run, "towers", {}).values():
        families += tower.families
    baselines = [settings.baselines[name].model for name in run.baselines]
    files = expand("workflow/scripts/{name}.py", name=scripts)
    files += expand("gravispec/features/{name}.py", name=families)
    files += expand("gravispec/models/baselines/{name}.py", name=baselines)
    return {file: digest(file, workflow.basedir) for file in sorted(set(files))}


def config_of(name, *keys):
    """What the configuration says of a run, its data set and its grid, and under these keys, which all runs share."""
    run = config["runs"][name]
    dataset = config["datasets"][run["dataset"]]
    grid = config["grids"].get(dataset.get("grid"))
    return dict(
        run=run, dataset=dataset, grid=grid, **{key: config[key] for key in keys}
    )


def about_provenance(script):
    """Param: run, configuration and code behind a summary that ``script`` writes."""
    shared = dict(
        moe=["ridge", "bins", "gates"],
        tower=["ridge", "n_val", "tower"],
        benchmark=["ridge", "bins", "gates", "n_val", "tower"],
    )

    def about(wildcards):
        name = named_run(wildcards)
        run = settings.runs[name]
        baselines = {b: config["baselines"][b] for b in run.baselines}
        keys = ["seed", "evaluation", *shared[run.kind]]
        return dict(
            run=name,
            config=dict(config_of(name, *keys), baselines=baselines),
            code=code_behind(run, script),
        )

    return about
