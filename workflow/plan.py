"""Where files of data sets, features and models are, and what reads what: questions that rules ask, no Snakemake."""

from gravispec.config.datasets import SPLITS
from gravispec.config.models import behind, mode_of, options_of
from gravispec.plugins.families import MODES, families, fit_inputs_of, inputs_of
from gravispec.plugins.models import families_of, plugin

STARS = "results/spectra/{dataset}/stars.parquet"
STARS_OF_SHARD = "results/spectra/{dataset}/stars/{shard}.parquet"
WAVE = "results/spectra/{dataset}/wave.npy"
CLEAN = "results/spectra/{dataset}/flux/{shard}.npy"
ERROR = "results/spectra/{dataset}/error/{shard}.npy"
NOISY = "results/noisy/{dataset}/noise_{level}/{shard}.npy"
SIGMA = "results/noisy/{dataset}/noise_{level}/sigma/{shard}.npy"
GRID = "results/grids/{grid}/grid.npz"
TRAINED = "results/features/{dataset}/noise_{level}/train_{n_train}"
FEATURES_OF_SHARD = f"{TRAINED}/{{feature}}/{{shard}}.npy"
FAMILY_FIT = f"{TRAINED}/{{family}}.safetensors"
EXPERT = f"{TRAINED}/experts/{{bin}}.npz"
MODEL = "results/models/{dataset}/noise_{level}/train_{n_train}/{model}"
FOR_ALL_LEVELS = "results/models/{dataset}/all_levels/train_{n_train}/{model}"
USER_SHARDS = [f"{split}_0" for split in SPLITS]  # a shard for each of the user's files
#: files of what plug-ins ask for by these names
FILES = {
    "flux": NOISY,
    "sigma": SIGMA,
    "wave": WAVE,
    "pca": f"{TRAINED}/pca.npz",
    "ridge": f"{TRAINED}/ridge.npz",
    "ridge_folds": f"{TRAINED}/ridge_folds.npz",
    "experts": f"{TRAINED}/experts.parquet",
}


class Plan:
    """Of a checked configuration, ``gravispec.config.Config``; raises ``InputError`` for a plug-in that is none."""

    def __init__(self, settings):
        self.settings = settings
        self.reads = {family: inputs_of(family) for family in families()}
        self.plugins = {name: plugin(about["module"]) for name, about in settings.models.items()}
        #: name of a feature file: family and mode
        self.features = {
            f"{family}_{mode}" if mode else family: (family, mode)
            for family, reads in self.reads.items()
            for mode in (MODES if "mode" in reads else [None])
        }
        self.fitted_families = [family for family in self.reads if fit_inputs_of(family)]

    def all_shards(self, pattern, splits=SPLITS, **at):
        """The files of a data set's shards, in the order of its stars."""
        shards = self.settings.datasets[at["dataset"]].shards()
        return [pattern.format(shard=name, **at) for name, split in shards.items() if split in splits]

    def shard(self, wildcards):
        """Split, first row in it and the row after the last of a shard of stars."""
        return self.settings.datasets[wildcards.dataset].rows(wildcards.shard)

    def normalisation(self, wildcards):
        """Whose median flux is divided by, and the width of the running continuum."""
        dataset = self.settings.datasets[wildcards.dataset]
        return {"median": dataset.median, "continuum": dataset.continuum}

    def nuisances(self, wildcards):
        """Priors of the nuisances of a data set, and the line width that they act on; None where it has none."""
        dataset = self.settings.datasets[wildcards.dataset]
        if getattr(dataset, "nuisances", None) is None:
            return None
        return {"scales": dataset.nuisances.model_dump(), "fwhm": self.settings.grids[dataset.grid].fwhm}

    def stars_with_nuisances(self, wildcards):
        """The stars of a shard, where some have wrong errors or missing windows."""
        return {"stars": STARS_OF_SHARD.format(**wildcards)} if self.nuisances(wildcards) else {}

    def grid(self, wildcards):
        """The grid that a data set is interpolated in."""
        return GRID.format(grid=self.settings.datasets[wildcards.dataset].grid)

    def priors(self, wildcards):
        """What labels and nuisances are drawn from, for a model that makes spectra of its own; others have none."""
        if self.asks_for("forward", wildcards):
            labels = self.settings.datasets[wildcards.dataset].labels.model_dump(exclude_none=True)
            return {"labels": labels, "nuisances": self.nuisances(wildcards)}
        return None

    def feature_inputs(self, wildcards):
        """The files that a family says it reads, of the stars of a shard; errors may follow from the wavelengths."""
        family, _ = self.features[wildcards.feature]
        names, files = {**dict(wildcards.items()), "family": family}, {**FILES, "fitted": FAMILY_FIT}
        return {n: path.format(**names) for n, path in files.items() if n in {*self.reads[family], "wave"}}

    def family_and_mode(self, wildcards):
        """Which family a feature file is of, and its mode, if it has one."""
        return dict(zip(("name", "mode"), self.features[wildcards.feature], strict=True))

    def family_module(self, wildcards):
        """The module of a family, or of that of a feature file; one alone, in a list."""
        family = self.features[wildcards.feature][0] if "feature" in dict(wildcards.items()) else wildcards.family
        return [f"gravispec/features/{family}.py"]

    def family_fit_inputs(self, wildcards):
        """Files of what the fit of a family reads."""
        return self.files_of(fit_inputs_of(wildcards.family), **dict(wildcards.items()))

    def feature_file(self, family, mode, **at):
        """Path of a family's table."""
        name = f"{family}_{mode}" if "mode" in self.reads[family] else family
        return f"{TRAINED}/{name}.parquet".format(**at)

    def models_that(self, word):
        """The models that declare this word."""
        return [name for name, found in self.plugins.items() if word in found.declares]

    def model_file(self, name, **at):
        """Path of a fitted model."""
        folder = FOR_ALL_LEVELS if "all_levels" in self.plugins[name].declares else MODEL
        return f"{folder}/model.safetensors".format(model=name, **at)

    def files_of(self, reads, **at):
        """``{name: path or paths}`` of what a plug-in asks for."""
        reads = {*reads, "wave"} if {"sigma", "measured"} & set(reads) else set(reads)
        return {
            name: self.all_shards(path, **at) if "{shard}" in path else path.format(**at)
            for name, path in FILES.items()
            if name in reads
        }

    def model_inputs(self, what):
        """A function of wildcards: files that a model ``reads``, to ``fit``, or what is ``read_to_predict``."""

        def files(wildcards):
            about, at = self.settings.models[wildcards.model], dict(wildcards.items())
            reads = getattr(self.plugins[wildcards.model], what)
            found = self.files_of(reads, **at)
            if "forward" in reads:
                found["grid"] = self.grid(wildcards)
            if "features" in reads:
                mode = mode_of(about)
                found["features"] = [self.feature_file(family, mode, **at) for family in families_of(about)]
            if "other" in reads:
                at.pop("model")
                found["other_model"] = self.model_file(about["of"], **at)
                found["other"] = f"{MODEL}/predictions.parquet".format(model=about["of"], **at)
            return found

        return files

    def own_modules(self, wildcards):
        """The module of a model and of those that it names."""
        return [f"gravispec/models/{self.plugins[n].module}.py" for n in behind(wildcards.model, self.settings.models)]

    def module_and_options(self, name):
        """Module and options of a model."""
        about = self.settings.models[name]
        return {"module": about["module"], "options": options_of(about)}

    def asks_for(self, name, wildcards):
        """Whether the fit of a model asks for this."""
        return name in self.plugins[wildcards.model].fit

    def trains_network(self, rule, wildcards):
        """Whether a job trains on a GPU where there is one."""
        return rule.startswith("model") and "device" in self.plugins[wildcards["model"]].fit

    def needed(self, names):
        """These models and those that they name."""
        return list(dict.fromkeys(other for name in names for other in behind(name, self.settings.models)))

    def modules(self, names):
        """The modules of models, of those that they name, and of the families that they read."""
        models = [f"gravispec/models/{self.plugins[name].module}.py" for name in self.needed(names)]
        return list(dict.fromkeys([*models, *(f"gravispec/features/{name}.py" for name in self.families_read(names))]))

    def families_read(self, names):
        """The families that these models and those that they name read."""
        return [family for name in self.needed(names) for family in families_of(self.settings.models[name])]

    def families_with_fit(self, names):
        """Those of them that have a fit."""
        return [family for family in self.fitted_families if family in self.families_read(names)]

    def with_experts(self, names):
        """Whether any of these models reads the experts."""
        return any("experts" in self.plugins[name].reads for name in self.needed(names))
