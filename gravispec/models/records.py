"""The records of a trained run as tensors: types, shapes and finite values are checked when they are read."""

import dataclasses

import numpy as np

from gravispec.errors import InputError
from gravispec.features.shape import Shape
from gravispec.labels import LABELS
from gravispec.models.filling import References
from gravispec.models.intervals import CONFIDENCES, Intervals
from gravispec.models.pca import Pca
from gravispec.models.residual_scale import Scale
from gravispec.models.ridge import RidgeFit

T = len(LABELS)
#: sizes of the fields: numbers, letters that are the same within a record, P for all, "i+1" for one more than i
SHAPES = {
    Pca: {"mean": ("P",), "components": ("k", "P"), "explained_variance": ("k",), "total_variance": ()},
    RidgeFit: {
        "coef": ("P", T), "intercept": (T,), "alpha": (T,), "alphas": ("A",), "cv_mse": ("A", T), "n": (),
    },
    Scale: {"T_eff_edges": ("i",), "M_H_edges": ("j",), "size": ("i+1", "j+1", T)},
    Intervals: {"snr_edges": ("b",), "half_width": ("b+1", T, len(CONFIDENCES)), "n": ("b+1",)},
    References: {"flux": ("R", "P"), "snr": ("R",)},
    Shape: {
        "T_eff_edges": ("i",), "M_H_edges": ("j",), "mean": ("C", "P"), "read": ("C", "P", "r"),
        "power": ("C", "J", "s", "s"), "noise": ("C", "P", "J"), "floor": ("C", "J"), "limits": ("J", 2),
    },
}  # fmt: skip
COUNTS = ("n",)  # the fields of whole numbers


def tensors_of(key, record):
    """``{name: array}`` of a record."""
    return {f"{key}.{field.name}": np.asarray(getattr(record, field.name)) for field in dataclasses.fields(record)}


def record_of(kind, key, arrays, n_pixels):
    """The record from its tensors. Raises ``InputError`` for one of another type or shape, or not finite."""
    found, sizes = {}, {"P": n_pixels}
    for name, shape in SHAPES[kind].items():
        value, tensor = arrays[f"{key}.{name}"], f"tensor {key}.{name}"
        if value.dtype.kind not in ("iu" if name in COUNTS else "f"):
            raise InputError(f"{tensor} has type {value.dtype}")
        value = value.reshape(()) if not shape and value.size == 1 else value
        if len(value.shape) != len(shape) or not all(map(_fits, shape, value.shape, [sizes] * len(shape))):
            raise InputError(f"{tensor} has shape {value.shape}")
        if not np.isfinite(value).all():
            raise InputError(f"{tensor} has values that are not finite numbers")
        found[name] = value.item() if not shape else value
    return kind(**found)


def _fits(wanted, size, sizes):
    if isinstance(wanted, int):
        return size == wanted
    more = wanted.endswith("+1")
    return sizes.setdefault(wanted.removesuffix("+1"), size - more) == size - more
