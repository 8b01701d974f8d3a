"""The section ``models:``: each names a module of gravispec/models, and sets the options of its ``fit``."""

from functools import cache

from pydantic import ConfigDict, Field, ValidationError, create_model

from gravispec.config.base import Model, known
from gravispec.config.errors import one_line
from gravispec.errors import InputError
from gravispec.plugins.families import MODES, families, inputs_of
from gravispec.plugins.models import FOLDER, modules, plugin


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
            if not (FOLDER / f"{entry['module']}.py").is_file():
                known(f"models.{name}.module", entry["module"], modules())
            about = schema_of(entry["module"]).model_validate(entry).model_dump()
        except InputError as error:
            raise ValueError(f"models.{name}: {error}") from None
        except ValidationError as error:
            raise ValueError(one_line(error, schema_of(entry["module"]), prefix=("models", name))) from None
        found[name] = about | {"label": about["label"] or name.replace("_", " ")}
        found[name] |= {"covered": about["covered"] or name, "all": about["all"] or f"{name}_full"}
    for name, about in found.items():
        _check_names(name, about, found)
    return found


def _check_names(name, about, models):
    for family in [about["family"]] if "family" in about else about.get("families", ()):
        known(f"models.{name}.families", family, families())
        try:
            inputs_of(family)
        except InputError as error:
            raise ValueError(f"models.{name}: {error}") from None
    if len(set(about.get("families", ()))) < len(about.get("families", ())):
        raise ValueError(f"models.{name}.families {list(about['families'])}: one stands there twice")
    seen = [name]
    while "of" in models[seen[-1]]:
        other = models[seen[-1]]["of"]
        known(f"models.{seen[-1]}.of", other, models)
        if other in seen:
            raise ValueError(f"models.{name}.of: {' of '.join([*seen, other])} goes in a circle")
        seen.append(other)
    if not deployable(seen[-1], models) and deployable(name, models):
        raise ValueError(f"models.{name}.of = {seen[-1]!r}: reads true labels, and {name} would, too; name another one")


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
