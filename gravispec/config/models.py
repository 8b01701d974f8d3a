"""The section ``models:``: each names a module of gravispec/models, and sets the options of its ``fit``."""

import re
from functools import cache

from pydantic import ConfigDict, Field, ValidationError, create_model

from gravispec.config.base import Model, booleans, known
from gravispec.config.errors import one_line
from gravispec.errors import InputError
from gravispec.plugins.families import MODES, families, inputs_of
from gravispec.plugins.models import FOLDER, families_of, modules, plugin


class ModelBase(Model):
    """What every model of the configuration has.

    ``label``: its name in figures; ``covered`` and ``all``: names of its rows in summary.csv, of the stars inside the
    bins and of all. By default the name itself, and the name followed by ``_full``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    module: str
    label: str = ""
    covered: str = ""
    all: str = ""


#: names that no model can have: those of other columns of the tables of predictions and catalogues
TAKEN = re.compile(
    "noise_level|n_train|star_id|split|part|bin|uncovered|edge|log_g|a_M|C_M|mag|snr|snr_measured|chi2"
    r"|(T_eff|M_H|w|seed|sigma|cov|q025|q16|q50|q84|q975|ess|misfit)(_\w*)?|(lo|hi)\d+"
)
#: keys of a model that are no options of its fit
ABOUT = tuple(ModelBase.model_fields)


@cache
def schema_of(module):
    """The pydantic model of an entry under ``models:`` with this module."""
    found = plugin(module).options.items()
    options = {name: (kind, Field(default, validate_default=True)) for name, (kind, default) in found}
    return create_model(f"{module} model", __base__=ModelBase, **options)


def checked(models):
    """``{name: {module, options ...}}`` with all defaults filled in.

    Raises ``ValueError`` with one line for an unknown module or option, for a value out of its range, a family or a
    model that does not exist, or models that name each other in a circle.
    """
    if not isinstance(models, dict):
        raise ValueError(f"models = {models!r}: give names with their modules, such as ridge: {{module: global_ridge}}")
    found = {}
    for name, entry in models.items():
        if not isinstance(entry, dict) or "module" not in entry:
            raise ValueError(f"models.{name}: needs module, one of {', '.join(modules())}")
        try:
            if entry["module"] not in [path.stem for path in FOLDER.glob("[a-z]*.py")]:
                known(f"models.{name}.module", entry["module"], modules())
            _check_booleans(name, entry)
            about = schema_of(entry["module"]).model_validate(entry).model_dump()
        except InputError as error:
            raise ValueError(f"models.{name}: {error}") from None
        except ValidationError as error:
            raise ValueError(one_line(error, schema_of(entry["module"]), prefix=("models", name))) from None
        found[name] = about | {"label": about["label"] or str(name).replace("_", " ")}
        found[name] |= {"covered": about["covered"] or name, "all": about["all"] or f"{name}_full"}
    for name, about in found.items():
        _check_names(name, about, found)
    return found


def _check_booleans(name, entry):
    """Numbers would take true and false for 1 and 0."""
    of_options = plugin(entry["module"]).options
    for key, value in entry.items():
        if booleans(value) is not None and of_options.get(key, (None,))[0] is not bool:
            raise ValueError(f"models.{name}.{key}: true or false (in YAML yes, no, on, off, too) is no value of it")


def _check_names(name, about, models):
    same = [other for other in models if str(other).lower() == str(name).lower()]
    if len(same) > 1:
        raise ValueError(f"models {same[0]} and {same[1]}: some systems take both for one file; rename one")
    if TAKEN.fullmatch(str(name)):
        raise ValueError(f"models.{name}: another column of the predictions is called so; take another name")
    key = "family" if "family" in about else "families"
    for family in families_of(about):
        known(f"models.{name}.{key}", family, families())
        try:
            inputs_of(family)
        except InputError as error:
            raise ValueError(f"models.{name}: {error}") from None
    given = families_of(about)
    for family in plugin(about["module"]).needs if "of" not in about else ():
        if family not in given:
            raise ValueError(f"models.{name}.{key} = {given}: {about['module']} needs {family} among them; add it")
    if len(set(given)) < len(given):
        raise ValueError(f"models.{name}.{key} = {given}: one stands there twice")
    seen = [name]
    while "of" in models[seen[-1]]:
        other = models[seen[-1]]["of"]
        known(f"models.{seen[-1]}.of", other, models)
        if other in seen:
            raise ValueError(f"models.{name}.of: {' of '.join([*seen, other])} goes in a circle")
        seen.append(other)
    true = [other for other in seen if not deployable(other, models)]
    if true and deployable(name, models):
        raise ValueError(f"models.{name}.of: {true[0]} reads true labels, and {name} would, too; name another one")
    if len(seen) > 1:
        lacking = set(plugin(about["module"]).needs) - plugin(models[seen[1]]["module"]).declares
        if lacking:
            raise ValueError(f"models.{name}.of = {seen[1]!r}: a model with {', '.join(lacking)} is needed")


def deployable(name, models):
    """Whether a model does without true labels."""
    return "truth" not in plugin(models[name]["module"]).declares


def options_of(about):
    """The options of an entry: what its module's ``fit`` is given."""
    return {key: value for key, value in about.items() if key not in ABOUT}


def behind(name, models):
    """The model and those that it names by ``of``, the last one first."""
    other = models[name].get("of")
    return [*(behind(other, models) if other else []), name]


def mode_of(about):
    """The mode of families that have one."""
    return about.get("ridge_mode", MODES[0])
