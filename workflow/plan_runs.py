"""What a run measures, bundles and draws, and which files that takes: questions that rules ask, no Snakemake."""

from gravispec.config.datasets import SPLITS
from gravispec.config.models import behind, deployable
from gravispec.plugins.figures import figures_of, inputs_of
from workflow.plan import EXPERT, FAMILY_FIT, GRID, MODEL, NOISY, TRAINED, Plan


class Runs:
    """Of a ``Plan``; functions take the wildcards of a job with the run among them, or give such a function."""

    def __init__(self, plan: Plan):
        self.plan, self.settings = plan, plan.settings
        self.config = self.settings.model_dump()

    def of(self, wildcards):
        return self.settings.runs[wildcards.run]

    def levels(self, wildcards):
        """Noise levels of a run, rising, as file names have them."""
        return [f"{level}" for level in sorted(self.of(wildcards).noise_level)]

    def cells(self, wildcards):
        """``[(noise level, n_train, models)]`` of what is measured."""
        return self.of(wildcards).cells()

    def models(self, wildcards):
        """The models of a run as the configuration has them, in the order of the run."""
        return {name: self.config["models"][name] for name in self.of(wildcards).names()}

    def deployed(self, wildcards, level=None):
        """``(n_train, models)`` that a catalogue has at a level, or at all: no true labels, most training stars."""
        cells = [c for c in self.cells(wildcards) if level is None or c[0] == float(level)]
        n_train = max(n for _, n, _ in cells)
        names = dict.fromkeys(name for _, n, names in cells if n == n_train for name in names)
        return n_train, [name for name in names if deployable(name, self.settings.models)]

    def leading(self, wildcards):
        """The model whose labels lead in a catalogue: the run's own choice, or its last one that can be deployed."""
        return self.of(wildcards).catalogue or self.deployed(wildcards)[1][-1]

    def entry(self, wildcards):
        """The run as the configuration has it, with its name and the model that leads in a catalogue."""
        return self.config["runs"][wildcards.run] | {"name": wildcards.run, "catalogue": self.leading(wildcards)}

    def places(self, wildcards):
        """``(place, models)`` of every cell; place: data set, level, n_train."""
        dataset = self.of(wildcards).dataset
        return [
            ({"dataset": dataset, "level": level, "n_train": n}, names) for level, n, names in self.cells(wildcards)
        ]

    def in_cells(self, pattern, per_model=False):
        """A file a cell of the run, or a file a cell and model."""
        return lambda wildcards: [
            pattern.format(model=name, **at)
            for at, names in self.places(wildcards)
            for name in (names if per_model else [None])
        ]

    def fitted(self, wildcards):
        """The fitted models of a run, cell by cell."""
        return [self.plan.model_file(name, **at) for at, names in self.places(wildcards) for name in names]

    def in_dataset(self, pattern, splits=SPLITS):
        """A path, or its shards, with the data set of the run and the level, of the job or else the lowest."""

        def paths(wildcards):
            at = {"level": self.levels(wildcards)[0], **dict(wildcards.items()), "dataset": self.of(wildcards).dataset}
            return self.plan.all_shards(pattern, splits, **at) if "{shard}" in pattern else pattern.format(**at)

        return paths

    def at_lowest(self, pattern):
        """A file at the lowest noise level of a run, with the most training stars that it has there."""

        def path(wildcards):
            level = self.levels(wildcards)[0]
            n_train = self.deployed(wildcards, level)[0]
            return pattern.format(dataset=self.of(wildcards).dataset, level=level, n_train=n_train)

        return path

    def modules(self, wildcards):
        """The modules of the models that a catalogue has, and of the families that they read."""
        return self.plan.modules(self.deployed(wildcards)[1])

    def bundled(self, wildcards):
        """What the file of a trained run holds at every noise level."""
        found = []
        for level in self.levels(wildcards):
            n_train, names = self.deployed(wildcards, level)
            labels = {name: self.config["models"][name]["label"] for name in self.plan.needed(names)}
            models = [{"name": n, "label": label, **self.plan.module_and_options(n)} for n, label in labels.items()]
            experts = len(self.settings.bins.names()) if self.plan.with_experts(names) else 0
            about = {"level": float(level), "n_train": n_train, "shown": names, "models": models, "experts": experts}
            found.append(about | {"families": self.plan.families_with_fit(names)})
        return found

    def bundled_files(self, wildcards):
        """For every level the models, what they share, what families fitted, and spectra that fill masked pixels."""
        found = {key: [] for key in ("pca", "ridge", "shape", "experts", "families", "val", "models")}
        for has in self.bundled(wildcards):
            at = {"dataset": self.of(wildcards).dataset, "level": has["level"], "n_train": has["n_train"]}
            for key in ("pca", "ridge", "shape"):
                found[key].append(f"{TRAINED}/{key}.npz".format(**at))
            found["val"] += self.plan.all_shards(NOISY, ["val"], **at)
            found["experts"] += [EXPERT.format(bin=k, **at) for k in range(has["experts"])]
            found["families"] += [FAMILY_FIT.format(family=family, **at) for family in has["families"]]
            found["models"] += [self.plan.model_file(one["name"], **at) for one in has["models"]]
        return found

    def stressed(self, wildcards, *, slow):
        """The models that are put under stress at a level, those that declare to be slow or the others."""
        slow_ones = self.plan.models_that("slow")
        return [name for name in self.deployed(wildcards, wildcards.level)[1] if (name in slow_ones) == slow]

    def spectra(self, wildcards, *keys):
        """Of median, continuum and fwhm of the spectra of a run those that are named."""
        dataset = self.settings.datasets[self.of(wildcards).dataset]
        sharpness = dataset if dataset.kind == "pfsspec" else self.settings.grids[dataset.grid]
        about = {"median": dataset.median, "continuum": dataset.continuum, "fwhm": sharpness.fwhm}
        return {key: about[key] for key in keys}

    def grid_for_stress(self, wildcards):
        """The grid that clean flux without nuisances comes from, where the spectra of a run have some."""
        dataset = self.settings.datasets[self.of(wildcards).dataset]
        return {"grid": GRID.format(grid=dataset.grid)} if getattr(dataset, "nuisances", None) else {}

    def figures(self, wildcards):
        """Names of the figures of a run."""
        declared = {word for name in self.of(wildcards).names() for word in self.plan.plugins[name].declares}
        several = {"levels"} if len(self.of(wildcards).noise_level) > 1 else set()
        groups = {"any", *several, *({"weights", "curve", "posterior"} & declared)}
        return [name for group in sorted(groups) for name in figures_of(group)]

    def config_behind(self, wildcards):
        """What the configuration says of a run: of its data set, grid and models, and what all runs share."""
        run = self.config["runs"][wildcards.run]
        dataset = self.config["datasets"][run["dataset"]]
        models = [other for name in self.models(wildcards) for other in behind(name, self.settings.models)]
        shared = ("seed", "ridge", "bins", "validation", "evaluation")
        return {
            "run": run,
            "dataset": dataset,
            "grid": self.config["grids"].get(dataset.get("grid")),
            "models": {name: self.config["models"][name] for name in models},
            **{key: self.config[key] for key in shared},
        }

    def compared(self, wildcards):
        """What a comparison sets side by side: run, model, noise level, training stars; level by level."""
        entries = [entry.partition(":")[::2] for entry in self.settings.comparisons[wildcards.comparison]]
        cells = [self.settings.runs[run].compared(model) for run, model in entries]
        found = []
        for level in sorted(set.intersection(*(set(of_run) for of_run in cells))):
            common = set.intersection(*(set(of_run[level][1]) for of_run in cells))
            for (run, model), of_run in zip(entries, cells, strict=True):
                n_train, names = of_run[level]
                for name in [model] if model else [name for name in names if name in common]:
                    found.append({"run": run, "model": name, "noise_level": level, "n_train": n_train})
        return found

    def compared_files(self, wildcards):
        """Their predictions."""
        path, entries = f"{MODEL}/predictions.parquet", self.compared(wildcards)
        return [path.format(dataset=self.dataset_of(one), level=one["noise_level"], **one) for one in entries]

    def dataset_of(self, entry):
        """Data set of an entry of a comparison."""
        return self.settings.runs[entry["run"]].dataset


def drawn_from(group, tables):
    """Those of ``tables``, ``{name: path}``, that the figures of a group read."""
    read = {name for figure in figures_of(group) for name in inputs_of(figure)}
    return {name: path for name, path in tables.items() if name in read}


def figure_modules(group):
    """The modules of the figures of a group."""
    return [f"gravispec/report/figures/{name}.py" for name in figures_of(group)]
