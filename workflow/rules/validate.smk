# Every table of a run checked and computed again from what it was made of, before its summary.
# Needs: the tables of results/{run} and what they come from.  Makes: results/{run}/validated.json.
from types import SimpleNamespace


def cells_at(name):
    """``(place, models)`` of the cells of a run; place: data set, level, n_train."""
    run = settings.runs[name]
    return [
        (dict(dataset=run.dataset, level=f"{level}", n_train=n_train), names)
        for level, n_train, names in run.cells()
    ]


def with_experts(name):
    """The places of the cells whose models read experts."""
    return [
        at
        for at, names in cells_at(name)
        if any("experts" in PLUGINS[n].reads for n in needed(names))
    ]


def tables_of(name):
    """``{schema: paths}``: every table of a run but its summary; the schemas are in gravispec/data/schemas.py."""
    run, cells = settings.runs[name], cells_at(name)
    tables = ["bootstrap", "per_bin", "by_snr", "hypotheses", "training_curves"]
    tables += ["calibration", "residuals", "giants_dwarfs", "stress"]
    features = [
        path for fit in fits_of(name) for path in fit["files"].get("features", [])
    ]
    return dict(
        stars=[STARS.format(dataset=run.dataset)],
        features=list(dict.fromkeys(features)),
        quality=[f"{TRAINED}/quality.parquet".format(**at) for at, _ in cells],
        experts=[FILES["experts"].format(**at) for at in with_experts(name)],
        model_predictions=[
            f"{MODEL}/predictions.parquet".format(model=model, **at)
            for at, names in cells
            for model in names
        ],
        predictions=[f"results/{name}/predictions.parquet"],
        samples=[f"results/{name}/bootstrap_samples.parquet"],
        calibrations=expand(rules.calibration.output[0], level=LEVELS[name], run=name),
        **{table: [f"results/{name}/{table}.csv"] for table in tables},
    )


def fits_of(name):
    """For every cell and model its module, options and file, and the files that it predicts from."""
    found = []
    for at, names in cells_at(name):
        for model in names:
            job = SimpleNamespace(
                model=model,
                items=lambda at=at, model=model: dict(at, model=model).items(),
            )
            files = model_inputs(PLUGINS[model].read_to_predict, job) | dict(
                stars=STARS.format(**at)
            )
            about = about_model_of(model)
            found.append(
                dict(
                    about,
                    noise_level=float(at["level"]),
                    model=model_file(model, **at),
                    files=files,
                )
            )
    return found


def experts_of(name):
    """For every cell with experts their files, and the spectra that they label."""
    return [
        dict(
            experts=expand(rules.expert.output[0], bin=range(len(BIN_NAMES)), **at),
            flux=all_shards(NOISY, ["val", "test"], **at),
        )
        for at in with_experts(name)
    ]


def behind_tables(wildcards):
    """Input: models and spectra that tables are computed from again."""
    name = wildcards.run
    fits = [
        path for fit in fits_of(name) for path in [fit["model"], *fit["files"].values()]
    ]
    found = [*fits, *(paths for one in experts_of(name) for paths in one.values())]
    found = [
        path
        for paths in found
        for path in ([paths] if isinstance(paths, str) else paths)
    ]
    return list(dict.fromkeys([*found, *user_files(name)]))


def user_files(name):
    dataset = settings.datasets[settings.runs[name].dataset]
    return (
        [getattr(dataset, split) for split in SPLITS]
        if dataset.kind == "pfsspec"
        else []
    )


def about_tables(wildcards):
    """Param: the settings that decide what is in the tables of a run."""
    name = wildcards.run
    run = settings.runs[name]
    dataset = config["datasets"][run.dataset]
    about = dict(
        run=about_run(wildcards),
        models=models_of(name),
        cells=run.cells(),
        deployed=[(float(level), deployed(name, level)[1]) for level in LEVELS[name]],
        leading=leading(name),
        fits=fits_of(name),
        experts=experts_of(name),
        user_files=user_files(name),
        seed=settings.seed,
        validation=config["validation"],
        edges=EDGES,
        bin_names=BIN_NAMES,
        **BOOTSTRAP,
    )
    if dataset["kind"] == "lte":
        axes = list(settings.grids[dataset["grid"]].axes.given())
        about |= dict(labels=dataset["labels"], n_stars=dataset["n_stars"], axes=axes)
    return about


rule validate:
    """Every table: columns, ranges, finite numbers, rows, the same stars everywhere, what gives the same numbers again."""
    input:
        unpack(lambda wc: tables_of(wc.run)),
        code=code("validate.py"),
        module=lambda wc: [
            file for name in module_files(*models_of(wc.run)) for file in tracked(name)
        ],
        computed_from=behind_tables,
        sources=sources,
    output:
        "results/{run}/validated.json",
    log:
        "results/{run}/logs/validate.log",
    benchmark:
        "results/{run}/benchmarks/validate.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("validate"),
    params:
        code=code_sha("validate.py"),
        module_code=lambda wc: code_sha(*module_files(*models_of(wc.run))),
        about=about_tables,
    script:
        "../scripts/validate.py"
