"""What runs, comparisons and catalogues name has to be there, and to fit together: ``ValueError`` with one line."""

from gravispec.config.base import known
from gravispec.config.models import deployable
from gravispec.plugins.models import plugin

IN_CATALOGUES = "without true labels and fitted to the most training stars of a level"


def check_run(name, run, config):
    """A run names a data set and models that there are; its stars suffice; a catalogue has a model at every level."""
    known(f"runs.{name}.dataset", run.dataset, config.datasets)
    for model in run.names():
        known(f"runs.{name}.models", model, config.models)
    rows = [config.models[model][stars] for model in run.names() for stars in ("covered", "all")]
    for row in rows:
        if rows.count(row) > 1:
            raise ValueError(f"runs.{name}.models: two rows of the summary would be called {row}; set covered or all")
    found = deployed(run, config)
    for level in run.noise_level:
        if not found.get(level):
            raise ValueError(f"runs.{name}.models: at noise level {level:g} none does without true labels; add one")
    if run.catalogue:
        known(f"runs.{name}.catalogue", run.catalogue, _listed(found), IN_CATALOGUES)
    dataset = config.datasets[run.dataset]
    for model in run.names():
        if "forward" in plugin(config.models[model]["module"]).fit and (lacks := _no_forward_model(dataset)):
            raise ValueError(f"runs.{name}.models: {model} needs the forward model of its spectra, but {lacks}")
    if dataset.kind == "lte":
        for n_train in run.n_train:
            if n_train > dataset.n_stars.train:
                has = f"data set {run.dataset} has {dataset.n_stars.train} training stars"
                raise ValueError(f"runs.{name}.n_train = {n_train}: {has}")
        if 0 in run.noise_level and not name.startswith("leak"):
            raise ValueError(
                f"runs.{name}.noise_level = {run.noise_level}: built-in spectra at level 0 are clean, their features a "
                "leak; begin the run's name with 'leak' where that is meant"
            )


def _no_forward_model(dataset):
    """Why flux and errors of a data set do not follow from its grid as a forward model has them."""
    if dataset.kind != "lte":
        return f"a data set of kind {dataset.kind} has no grid"
    if dataset.continuum:
        return "the data set has a running continuum; set continuum: 0"
    if dataset.median != "noisy":
        return f"the data set has median: {dataset.median}; set median: noisy"
    return None


def deployed(run, config):
    """``{noise level: models}`` of those without true labels, with the most training stars that the level has."""
    at_level = {level: names for level, _, names in run.cells()}
    return {level: [name for name in names if deployable(name, config.models)] for level, names in at_level.items()}


def _listed(models_at):
    """The models of all levels, each once."""
    return list(dict.fromkeys(model for models in models_at.values() for model in models))


def check_comparisons(config):
    """Comparisons are of runs and models that there are, on the same test stars, at levels that they share."""
    for name, entries in config.comparisons.items():
        pairs = [entry.partition(":")[::2] for entry in entries]
        for run, model in pairs:
            known(f"comparisons.{name}", run, config.runs)
            if model:
                known(f"comparisons.{name}: model of {run}", model, config.runs[run].names())
        if len({bool(model) for _, model in pairs}) > 1:
            raise ValueError(f"comparisons.{name} = {entries}: give runs alone, or run:model everywhere")
        first, *others = [config.runs[run].dataset for run, _ in pairs]
        for other in others:
            if _test_stars(config.datasets[other]) != _test_stars(config.datasets[first]):
                raise ValueError(
                    f"comparisons.{name} = {entries}: data sets {first} and {other} have different test stars; "
                    "take runs with the same n_stars.test and labels"
                )
        of_entries = [config.runs[run].compared(model) for run, model in pairs]
        levels = set.intersection(*map(set, of_entries))
        if not levels:
            raise ValueError(f"comparisons.{name} = {entries}: these runs have no noise level in common")
        if not pairs[0][1] and not any(set.intersection(*(set(found[k][1]) for found in of_entries)) for k in levels):
            raise ValueError(f"comparisons.{name} = {entries}: these runs have no model in common; give run:model")


def _test_stars(dataset):
    if dataset.kind == "pfsspec":
        return dataset.test
    return dataset.n_stars.test, dataset.labels.model_dump(exclude={"a_M", "C_M", "C_O", "N_M", "v_micro"})


def check_catalogues(config):
    """Catalogues are by runs that there are, at levels that differ, and by a model that needs no true labels."""
    for name, catalogue in config.catalogues.items():
        seen = {}
        for run in catalogue.runs:
            known(f"catalogues.{name}.runs", run, config.runs)
            found = deployed(config.runs[run], config)
            if catalogue.model:
                known(f"catalogues.{name}.model", catalogue.model, _listed(found), f"of run {run}, {IN_CATALOGUES}")
            model = catalogue.model or config.runs[run].catalogue
            for level in [level for level, models in found.items() if model is None or model in models]:
                other = seen.setdefault(level, run)
                if other != run:
                    raise ValueError(
                        f"catalogues.{name}.runs: {other} and {run} have the same noise level {level:g}; name one"
                    )
