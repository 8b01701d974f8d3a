# Where features and models are, and what they read - functions only.
from gravispec.config.models import behind, mode_of, options_of
from gravispec.plugins.families import MODES, families, fit_inputs_of, inputs_of
from gravispec.plugins.models import families_of, plugin

MODEL = "results/models/{dataset}/noise_{level}/train_{n_train}/{model}"
FOR_ALL_LEVELS = "results/models/{dataset}/all_levels/train_{n_train}/{model}"

try:
    READS = {family: inputs_of(family) for family in families()}
    PLUGINS = {name: plugin(about["module"]) for name, about in settings.models.items()}
except InputError as mistake:
    sys.exit(str(mistake))

# name of a feature file: family and mode
FEATURES = {
    f"{family}_{mode}" if mode else family: (family, mode)
    for family, reads in READS.items()
    for mode in (MODES if "mode" in reads else [None])
}
FITTED_FAMILIES = [family for family in READS if fit_inputs_of(family)]
# files of what plug-ins ask for
FILES = dict(
    flux=NOISY,
    error=ERROR,
    sigma=ERROR,
    wave=WAVE,
    pca=f"{TRAINED}/pca.npz",
    ridge=f"{TRAINED}/ridge.npz",
    ridge_folds=f"{TRAINED}/ridge_folds.npz",
    experts=f"{TRAINED}/experts.parquet",
)


wildcard_constraints:
    feature=one_of(FEATURES),
    family=one_of(FITTED_FAMILIES),


def feature_file(family, mode, **at):
    """Path of a family's table."""
    name = f"{family}_{mode}" if "mode" in READS[family] else family
    return f"{TRAINED}/{name}.parquet".format(**at)


def model_file(name, **at):
    """Path of a fitted model."""
    folder = FOR_ALL_LEVELS if "all_levels" in PLUGINS[name].declares else MODEL
    return f"{folder}/model.safetensors".format(model=name, **at)


def models_that(word):
    """The models that declare this word."""
    return [name for name, found in PLUGINS.items() if word in found.declares]


def files_of(reads, **at):
    """``{name: path or paths}`` of what a plug-in asks for; errors of built-in spectra follow from the wavelengths."""
    reads = {*reads, "wave"} if {"sigma", "error"} & set(reads) else set(reads)
    found = {name: path for name, path in FILES.items() if name in reads}
    if "sigma" in found:
        found["error"] = found.pop("sigma")
    return {
        name: all_shards(path, **at) if "{shard}" in path else path.format(**at)
        for name, path in found.items()
    }


def model_inputs(reads, wildcards):
    """Files of what a model reads, its features and the model that it names."""
    about, at = settings.models[wildcards.model], dict(wildcards.items())
    found = files_of(reads, **at)
    if "features" in reads:
        found["features"] = [
            feature_file(family, mode_of(about), **at) for family in families_of(about)
        ]
    if "other" in reads:
        at.pop("model")
        found["other_model"] = model_file(about["of"], **at)
        found["other"] = f"{MODEL}/predictions.parquet".format(model=about["of"], **at)
    return found


def module_files(*names):
    """The modules of models, and of the families that they read, as paths in the project."""
    models = [other for name in names for other in behind(name, settings.models)]
    modules = [f"gravispec/models/{PLUGINS[name].module}.py" for name in models]
    read = [family for name in models for family in families_of(settings.models[name])]
    return list(dict.fromkeys([*modules, *(f"gravispec/features/{f}.py" for f in read)]))
