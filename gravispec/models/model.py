"""What ``fit`` of a model returns: an object that predicts labels and saves itself as tensors with a JSON header."""

import dataclasses
from importlib import import_module

import numpy as np

from gravispec.data.tensor_file import load_tensors, save_tensors
from gravispec.errors import InputError
from gravispec.plugins.families import families
from gravispec.plugins.models import modules

FORMAT = "gravispec fitted model 1"


class Model:
    """Base class of fitted models; a subclass is a dataclass of arrays, numbers and texts, and defines ``predict``.

    ``predict(...)`` reads what its arguments are called, as ``fit`` does, for a block of m stars: ``flux``, ``sigma``
    (m, P), ``features`` (m, D), ``experts`` (m, K, T), ``ridge`` (m, T), the labels by the global Ridge, ``other``,
    what the model named by ``of`` predicted, ``stars``, ``wave``. It returns ``{column: (m,) or (m, K)}`` with
    ``log_g`` (dex) and, of the labels that the module lists, ``T_eff`` (K) and ``M_H`` (dex); further ones are ``w``
    (m, K), weights of the experts, and ``seed`` (m, S), log g by the same model trained from other seeds.

    ``about``, a dict for JSON, says how it was trained; its ``curve``, of ``epoch``, ``fit`` and ``stop``, is drawn.
    A model that holds something else than arrays overrides ``state`` and ``build``.

    ``knows_gaps``: it reads ``measured``, and its errors are those of the measured pixels; others read a fill.
    """

    about: dict
    knows_gaps = False

    def state(self):
        """``(header, {name: array})``, all that ``build`` needs."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        return {name: value for name, value in values.items() if name not in arrays}, arrays

    @classmethod
    def build(cls, header, arrays):
        """The model from its ``state``."""
        return cls(**header, **arrays)


def pack(model):
    """``(header, {name: array})`` of a model, to be written with others."""
    header, arrays = model.state()
    module = type(model).__module__.removeprefix("gravispec.")
    return {
        "module": module,
        "class": type(model).__name__,
        "state": header,
        "about": getattr(model, "about", {}),
    }, arrays


def unpack(header, arrays, path):
    """The model from what ``pack`` returned. Raises ``InputError``, which names ``path``, where it is no model."""
    known = {f"models.{name}" for name in modules()} | {f"features.{name}" for name in families()}
    if header.get("module") not in known:
        raise InputError(f"{path}: a model of module {header.get('module')!r}, which this version does not have")
    kind = getattr(import_module(f"gravispec.{header['module']}"), str(header.get("class")), None)
    if not (isinstance(kind, type) and issubclass(kind, Model)):
        raise InputError(f"{path}: {header['module']} has no model {header.get('class')!r}; delete it and rerun")
    try:
        model = kind.build(header["state"], arrays)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a whole model of {header['module']} ({reason}); delete it and rerun") from None
    model.about = header.get("about", {})
    return model


def save(model, path):
    """Write a model as safetensors."""
    header, arrays = pack(model)
    save_tensors(path, "model", {"format": FORMAT, **header}, arrays)


def load(path):
    """Read a model that ``save`` wrote. Raises ``InputError`` for any other file."""
    header, arrays = load_tensors(path, "model", FORMAT)
    return unpack(header, arrays, path)


def about_fits(cells, paths):
    """``{(noise level, n_train, model): what its fit said of itself}``.

    cells : ``(noise level, n_train, names of models)`` each; paths : of the fitted models, cell by cell
    """
    keys = [(level, n_train, name) for level, n_train, names in cells for name in names]
    return {key: load_tensors(path, "model", FORMAT)[0]["about"] for key, path in zip(keys, paths, strict=True)}
