"""Feature families: what a family module is, and its features of a shard of stars, computed in blocks.

A family is a module of this package, named as its parquet file, with

* ``DEFINITION`` and ``UNIT``, one line each, and ``NAMES``, the names of its D features;
* ``features(...)``, which returns (m, D) features of a block of m stars. What its arguments are called says what it
  reads, at least one of the first three, and nothing else is given to it; clean flux cannot be asked for:

========================  ==============================================================================
``flux`` (m, P)           noisy flux
``error`` (m, P)          1σ of the noise that was added: the error array times the noise level
``sigma`` (m, P)          1σ of every pixel: the same, but the error array itself at noise level 0 (observed flux)
``trained`` (m,)          row of the star among the training stars, -1 if it is not one of them
``wave`` (P,)             wavelengths, Å, vacuum
``pca``                   principal components of the noisy training flux (``gravispec.features.pca.Pca``)
``ridge``                 the global Ridge (``gravispec.models.ridge.RidgeFit``)
``ridge_folds``           its fits without one fold each (``gravispec.models.ridge.FoldFits``)
``mode``                  ``in_sample`` or ``cross_fit``; the family then has a file a mode
========================  ==============================================================================

The three records are read from their files as the type that the argument is annotated with.
"""

import inspect
from pathlib import Path

import numpy as np

from gravispec.data.arrays import BLOCK, RowReader, blocks
from gravispec.data.npz import load_npz
from gravispec.errors import InputError
from gravispec.source import arguments

FOLDER = Path(__file__).parent
SPECTRA = ("flux", "error", "sigma")
ROWS = (*SPECTRA, "trained")  # given block by block
RECORDS = ("pca", "ridge", "ridge_folds")
INPUTS = (*ROWS, "wave", *RECORDS, "mode")


def families():
    """Names of the modules of this package that define ``features``."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if arguments(path, "features") is not None)


def inputs_of(name):
    """What the family reads: the arguments of its ``features``, found without importing it.

    Raises ``InputError`` for a module without ``features``, for arguments other than those of the table above, and for
    one that reads no spectra.
    """
    asked = arguments(FOLDER / f"{name}.py", "features")
    if asked is None:
        raise InputError(f"family {name}: gravispec/features/{name}.py must define features(...)")
    unknown = [argument for argument in asked if argument not in INPUTS]
    if unknown:
        raise InputError(f"family {name}: features asks for {', '.join(unknown)}; it can have {', '.join(INPUTS)}")
    if not set(SPECTRA) & set(asked):
        raise InputError(f"family {name}: features asks for no spectra; it needs one of {', '.join(SPECTRA)}")
    return asked


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
