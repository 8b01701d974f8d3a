"""Features of a family: of a shard of stars, computed in blocks, and of spectra that nothing was trained on."""

import inspect
from importlib import import_module

import numpy as np

from gravispec.data.arrays import BLOCK, RowReader, blocks
from gravispec.data.npz import load_npz
from gravispec.errors import InputError
from gravispec.models import model
from gravispec.plugins.families import RECORDS, ROWS, SPECTRA


def of_spectra(name, given):
    """Features (m, D) float32, as in a table, of m spectra that are no training stars, by the family ``name``.

    ``given``: flux and sigma (m, P), wave, pca, ridge, and fitted for a family that has a fit.
    """
    family = import_module(f"gravispec.features.{name}")
    flux = given["flux"]
    untrained = {"trained": np.full(len(flux), -1), "ridge_folds": None, "mode": "in_sample"}
    given = {"error": given["sigma"]} | untrained | given
    asked = inspect.signature(family.features).parameters
    return np.asarray(family.features(**{argument: given[argument] for argument in asked}), np.float32)


class ScaledRows:
    """Rows of a reader times a factor."""

    def __init__(self, reader, factor):
        self.reader, self.factor = reader, np.float32(factor)

    def __len__(self):
        return len(self.reader)

    def __getitem__(self, rows):
        return self.reader[rows] * self.factor


class TrainedRows:
    """``[lo:hi]``: rows of stars of a shard among the ``n_train`` training stars, -1 for those not among them.

    ``first``: row of the shard's first star in its ``split``.
    """

    def __init__(self, split, first, n_train):
        self.first, self.end = first, n_train if split == "train" else 0

    def __getitem__(self, rows):
        found = self.first + np.arange(rows.start, rows.stop)
        return np.where(found < self.end, found, -1)


def open_inputs(family, files, *, noise_level, trained, mode):
    """What the module ``family`` asks for, from the paths ``files``: ``{argument: value}``, large arrays as readers.

    ``files`` has ``wave`` in any case: errors of built-in spectra follow from it. ``trained``: ``TrainedRows``.
    """
    given, wave = {}, np.load(files["wave"], allow_pickle=False)
    for name, parameter in inspect.signature(family.features).parameters.items():
        if name == "flux":
            given[name] = RowReader(files[name])
        elif name in ("error", "sigma"):
            from gravispec.data.error_rows import ErrorRows  # whose imports take 0.4 s: only where errors are read

            level = noise_level if name == "error" else noise_level or 1.0
            given[name] = ScaledRows(ErrorRows(files[name], wave), level)
        elif name == "wave":
            given[name] = wave
        elif name in RECORDS:
            given[name] = load_npz(files[name], parameter.annotation)
        elif name == "fitted":
            given[name] = model.load(files[name])
        else:
            given[name] = {"trained": trained, "mode": mode}[name]
    return given


def compute(family, inputs, split, first, *, block=BLOCK):
    """Features (m, D) float32, by the module ``family``, of the m stars in ``inputs``.

    Raises ``InputError`` for one that is not finite, with the star's row in its ``split``, where the first star of
    ``inputs`` is row ``first``.
    """
    parts = []
    n_stars = next(len(inputs[name]) for name in SPECTRA if name in inputs)
    for lo, hi in blocks(0, n_stars, block):
        given = {name: value[lo:hi] if name in ROWS else value for name, value in inputs.items()}
        values = np.asarray(family.features(**given), np.float32)
        expected = hi - lo, len(family.NAMES)
        if values.shape != expected:
            raise InputError(f"{family.__name__}: features {values.shape} of {hi - lo} stars, expected {expected}")
        finite = np.isfinite(values)
        if not finite.all():
            star, feature = np.argwhere(~finite)[0]
            row = first + lo + star
            raise InputError(f"{family.__name__}: {family.NAMES[feature]} of row {row} of {split} is not finite")
        parts.append(values)
    return np.concatenate(parts)
