"""Models: what a plug-in is, and what it says of itself, read from its source: nothing is imported.

A model is a module of ``gravispec/models``, named under ``models:`` of the configuration, with a function ``fit``,
which returns a ``gravispec.models.model.Model``. What its arguments are called says what it reads, nothing else is
given to it, and clean flux cannot be asked for:

==================  ====================================================================================================
``flux``            noisy flux: ``Parts`` of blocks (m, P) that are read anew at every iteration
``sigma``           1σ of the same pixels, likewise
``measured``        to predict alone: which of the pixels (m, P) are measured, bool; the others hold a fill
``features``        ``Parts`` of (n, D), the features of the families that its option ``families`` or ``family`` names
``experts``         ``Parts`` of (n, K, T): the labels by every expert, of validation stars alone
``labels``          ``Parts`` of (n, T): log_g, T_eff, M_H
``stars``           ``Parts`` of the table of stars, for a model that declares ``truth``
``bins``            bins of the experts (``gravispec.models.bins.Bins``)
``ridge``           the global Ridge (``gravispec.models.ridge.RidgeFit``)
``pca``             principal components of the noisy training flux (``gravispec.models.pca.Pca``)
``other``           the fitted model that its option ``of`` names
``wave``            wavelengths, Å, vacuum
``forward``         the forward model: grid and priors of the data set (``gravispec.spectra.forward.ForwardModel``), of
                    which a fit makes spectra of its own
``n_train``         number of training stars
``seed`` ``device`` ``threads``   of the configuration and the job
``checkpoint``      a file for a long training, from which it goes on after it was killed
                    (``gravispec.models.checkpoint.Checkpoint``)
==================  ====================================================================================================

``Parts`` has the training stars as ``train``, and of the validation stars ``fit`` (for what must not see training
stars), ``stop`` (for early stopping), and ``val``, the first ``n_val`` of both. The rest of the validation stars
calibrates intervals; no model sees them.

Keyword arguments with a default are options, set in the configuration beside ``module:``. Their annotations, of the
types in ``gravispec.options``, are checked. A module can further have, as constants at its top:

* ``LABELS``, which labels it predicts; for the others those of the global Ridge stand in. All three by default.
* ``NEEDS``, families that its option ``families`` has to name, or what the model that it is ``of`` has to declare.
* ``DECLARES``, words of ``DECLARATIONS``.
* ``COST``, what its job needs beyond predicting, measured: fields of ``workflow.costs.Cost``.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

from gravispec.errors import InputError
from gravispec.labels import LABELS
from gravispec.options import OPTION_TYPES
from gravispec.source import check_asked, constants, function, tree

FOLDER = Path(__file__).parents[1] / "models"
STARS = ("flux", "sigma", "features", "experts", "labels", "stars")  # as Parts, or as rows to ``predict``
INPUTS = (
    *STARS,
    "measured",
    "bins",
    "ridge",
    "pca",
    "other",
    "wave",
    "forward",
    "n_train",
    "seed",
    "device",
    "threads",
    "checkpoint",
)
DECLARATIONS = {
    "truth": "reads true labels: never in a catalogue or under stress",
    "all_levels": "one fit serves all noise levels",
    "no_fit": "there is nothing to fit: its fit may ask for no stars",
    "slow": "stress and intervals use 1,000 stars, stress 200 where the spectra have nuisances",
    "weights": "its predictions have weights of the experts, which are drawn",
    "curve": "its fit writes a curve of its training, which is drawn",
    "posterior": "its predictions have standard deviations and covariances of all labels",
    "limit": "no estimator can do better: errors are given relative to its own",
}


class Plugin(NamedTuple):
    """What a module says: what fit and predict read, its options ``{name: (type, default)}``, its constants."""

    module: str
    fit: tuple[str, ...]
    predict: tuple[str, ...]
    options: dict
    labels: tuple[str, ...]
    needs: tuple[str, ...]
    declares: frozenset
    cost: dict
    title: str

    @property
    def asked(self):
        """What predictions need: what ``predict`` reads, and the Ridge for labels that the model does not predict."""
        lends = self.labels != LABELS and "ridge" not in self.predict
        return (*self.predict, *(["ridge"] if lends else []))

    @property
    def reads(self):
        """All that a job which fits and predicts reads."""
        return {*self.fit, *self.read_to_predict}

    @property
    def read_to_predict(self):
        """All that a job which predicts reads; the Ridge's predictions need flux."""
        return {*self.asked, *(["flux"] if "ridge" in self.asked else [])}


def modules():
    """Names of the modules of this package that define ``fit``."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if function(path, "fit") is not None)


@cache
def plugin(name):
    """``Plugin`` of a module, from its source alone.

    Raises ``InputError`` for a module without ``fit``, for arguments other than those of the table above, for options
    without a type or of an unknown one, for unknown declarations.
    """
    path = FOLDER / f"{name}.py"
    fit = function(path, "fit")
    if fit is None:
        raise InputError(f"model {name}: gravispec/models/{name}.py must define fit(...)")
    given, options = _arguments(name, fit)
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    predicts = [_arguments(name, node)[0] for node in functions if node.name == "predict"]
    predict = tuple(sorted({argument for asked in predicts for argument in asked}))
    said = constants(path, "LABELS", "NEEDS", "DECLARES", "COST")
    found = Plugin(
        name,
        given,
        predict,
        options,
        tuple(said.get("LABELS", LABELS)),
        tuple(said.get("NEEDS", ())),
        frozenset(said.get("DECLARES", ())),
        said.get("COST", {}),
        (ast.get_docstring(tree(path)) or name).split("\n")[0].rstrip("."),
    )
    _check(found)
    return found


def _check(found):
    where = f"model {found.module}"
    check_asked(f"{where}: fit", found.fit, tuple(name for name in INPUTS if name != "measured"))
    check_asked(f"{where}: predict", found.predict, INPUTS)
    unknown = found.declares - DECLARATIONS.keys()
    if unknown:
        raise InputError(f"{where}: DECLARES {', '.join(sorted(unknown))}; it can be {', '.join(DECLARATIONS)}")
    if found.labels != LABELS[: len(found.labels)] or not found.labels:
        raise InputError(f"{where}: LABELS {found.labels}; it can be the first of {', '.join(LABELS)}, or all")
    if "stars" in found.reads and "truth" not in found.declares:
        raise InputError(f"{where}: the table of stars has true labels; a model that reads it must declare 'truth'")
    if "no_fit" in found.declares and set(STARS) & set(found.fit):
        asked = ", ".join(sorted(set(STARS) & set(found.fit)))
        raise InputError(f"{where}: declares no_fit, but fit asks for {asked}; take one of the two away")
    of_a_level = sorted({"flux", "sigma", "features", "experts", "ridge", "pca", "other"} & set(found.fit))
    if "all_levels" in found.declares and of_a_level:
        raise InputError(f"{where}: declares all_levels, but fit asks for {of_a_level[0]}, which is of one noise level")
    if "features" in found.reads and not {"family", "families"} & found.options.keys():
        raise InputError(f"{where}: reads features; it needs an option family or families that says which")
    if "other" in found.reads and "of" not in found.options:
        raise InputError(f"{where}: reads another model; it needs an option of, the name of that model")
    if not found.predict:
        raise InputError(f"{where}: what its fit returns must define predict(...), whose arguments say what it reads")


def _arguments(name, function):
    """What a function reads and, where arguments are keywords with a default, its options."""
    given = [a.arg for a in function.args.args if a.arg != "self"]
    options = {}
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is None or argument.arg in INPUTS:
            given.append(argument.arg)
        else:
            options[argument.arg] = _type(name, argument), ast.literal_eval(default)
    return tuple(given), options


def _type(name, argument):
    try:
        return _named(argument.annotation)
    except (TypeError, KeyError):
        needed = f"needs a type, of {', '.join(OPTION_TYPES)}, such as {argument.arg}: int"
        raise InputError(f"model {name}: option {argument.arg} {needed}") from None


def _named(node):
    """The type that an annotation names, put together of OPTION_TYPES; nothing is evaluated."""
    match node:
        case ast.Name(id=name):
            return OPTION_TYPES[name]
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=parts):
            return tuple(map(_named, parts))
        case ast.Subscript(value=of, slice=inside):
            return _named(of)[_named(inside)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _named(left) | _named(right)
    raise TypeError


def limit_of(models):
    """Name of the model that declares to be the limit, among entries of the configuration; None where there is none."""
    return next((name for name, about in models.items() if "limit" in plugin(about["module"]).declares), None)


def families_of(options):
    """Names of the families whose features a model with these options reads."""
    return [options["family"]] if "family" in options else list(options.get("families", ()))
