# What a run measures, and what is behind a file of it - functions only.
from gravispec.config.models import deployable
from gravispec.plugins.figures import figures_of, inputs_of as figure_inputs
from workflow.seam import behind as files_behind

LEVELS = {name: [f"{level}" for level in sorted(run.noise_level)] for name, run in settings.runs.items()}


def models_of(run):
    """Param: the models of a run as the configuration has them, in the order of the run."""
    return {name: config["models"][name] for name in settings.runs[run].names()}


def deployed(run, level=None):
    """``(n_train, models)`` that a catalogue has at a noise level, or at all: no true labels, most training stars."""
    cells = [c for c in settings.runs[run].cells() if level is None or c[0] == float(level)]
    n_train = max(n for _, n, _ in cells)
    names = [name for _, n, names in cells if n == n_train for name in names]
    return n_train, [n for n in dict.fromkeys(names) if deployable(n, settings.models)]


def leading(run):
    """The model whose labels lead in a catalogue: the run's ``catalogue``, or its last one that can be deployed."""
    return settings.runs[run].catalogue or deployed(run)[1][-1]


def of_cells(pattern, per_model=False):
    """Input: a file a cell of the run, or a file a cell and model."""

    def paths(wildcards):
        run = settings.runs[wildcards.run]
        return [
            pattern.format(dataset=run.dataset, level=level, n_train=n_train, model=name)
            for level, n_train, names in run.cells()
            for name in (names if per_model else [None])
        ]

    return paths


def of_run(pattern, splits=SPLITS):
    """Input: a path with the data set of the run filled in, and the level of the job; those of all its shards."""

    def paths(wildcards):
        at = dict(wildcards.items()) | dict(dataset=settings.runs[wildcards.run].dataset)
        if "{shard}" in pattern:
            return all_shards(pattern, splits, **at)
        return pattern.format(**at)

    return paths


def about_run(wildcards):
    """Param: the run as the configuration has it, with its name and the model that leads in a catalogue."""
    return dict(config["runs"][wildcards.run], name=wildcards.run, catalogue=leading(wildcards.run))


def sources(wildcards):
    """Input: everything that a summary rests on; what the clean flux was is in the seed and the code."""
    name = wildcards.run
    made = [path for paths in run_tables.paths(wildcards).values() for path in paths]
    files, _ = files_behind(workflow, [*made, f"results/{name}/model.safetensors"])
    dataset = settings.runs[name].dataset
    left_out = (f"results/spectra/{dataset}/flux/", f"results/spectra/{dataset}/error/")
    return [path for path in files if not path.startswith(left_out)]


def config_behind(name):
    """What the configuration says of a run: of its data set, grid and models, and what all runs share."""
    run = config["runs"][name]
    dataset = config["datasets"][run["dataset"]]
    models = [other for model in models_of(name) for other in behind(model, settings.models)]
    shared = ["seed", "ridge", "bins", "validation", "evaluation"]
    return dict(
        run=run,
        dataset=dataset,
        grid=config["grids"].get(dataset.get("grid")),
        models={model: config["models"][model] for model in models},
        **{key: config[key] for key in shared},
    )


def about_provenance(wildcards):
    """Param: run, configuration and code behind its summary, ``{file: digest of what it says}``."""
    name = wildcards.run
    _, files = files_behind(workflow, [f"results/{name}/summary.csv"])
    files = [os.path.relpath(path, HERE) for path in files]
    return dict(
        run=name,
        config=config_behind(name),
        code={path: digest_of_file(path, HERE) for path in sorted(set(files))},
    )
