"""Feature families: what a plug-in is, and what it says of itself, read from its source: nothing is imported.

A family is a module of ``gravispec/features``, named as its parquet file, with

* ``DEFINITION`` and ``UNIT``, one line each, and ``NAMES``, the names of its D features;
* ``features(...)``, which returns (m, D) features of a block of m stars. What its arguments are called says what it
  reads, at least one of the first three, and nothing else is given to it; clean flux cannot be asked for:

========================  ==============================================================================
``flux`` (m, P)           noisy flux
``error`` (m, P)          1σ of the noise that was added: the error array times the noise level
``sigma`` (m, P)          1σ of every pixel: the same, but the error array itself at noise level 0 (observed flux)
``trained`` (m,)          row of the star among the training stars, -1 if it is not one of them
``wave`` (P,)             wavelengths, Å, vacuum
``pca``                   principal components of the noisy training flux (``gravispec.models.pca.Pca``)
``ridge``                 the global Ridge (``gravispec.models.ridge.RidgeFit``)
``ridge_folds``           its fits without one fold each (``gravispec.models.ridge.FoldFits``)
``fitted``                what the family's own ``fit`` returned
``mode``                  ``in_sample`` or ``cross_fit``; the family then has a file a mode
========================  ==============================================================================

Records are read from their files as the type that the argument is annotated with.

* ``fit(...)``, where a family has one, is done once for a data set, noise level and number of training stars, and kept
  beside the table. It asks for what a model's ``fit`` may (``gravispec.plugins.models``): flux, sigma, labels, wave,
  pca, ridge, seed, device, threads; and returns a ``gravispec.models.model.Model``.
"""

from pathlib import Path

from gravispec.errors import InputError
from gravispec.source import arguments, check_asked

FOLDER = Path(__file__).parents[1] / "features"
SPECTRA = ("flux", "error", "sigma")
ROWS = (*SPECTRA, "trained")  # given block by block
RECORDS = ("pca", "ridge", "ridge_folds")
INPUTS = (*ROWS, "wave", *RECORDS, "fitted", "mode")
FIT_INPUTS = ("flux", "sigma", "labels", "wave", "pca", "ridge", "seed", "device", "threads")
MODES = ("in_sample", "cross_fit")


def families():
    """Names of the modules of ``gravispec/features`` that define ``features``."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if arguments(path, "features") is not None)


def inputs_of(name):
    """What the family reads: the arguments of its ``features``, found without importing it.

    Raises ``InputError`` for a module without ``features``, for arguments other than those of the table above, for one
    that reads no spectra, or what it never fitted.
    """
    asked = arguments(FOLDER / f"{name}.py", "features")
    if asked is None:
        raise InputError(f"family {name}: gravispec/features/{name}.py must define features(...)")
    check_asked(f"family {name}: features", asked, INPUTS)
    if not set(SPECTRA) & set(asked):
        raise InputError(f"family {name}: features asks for no spectra; it needs one of {', '.join(SPECTRA)}")
    if ("fitted" in asked) != bool(fit_inputs_of(name)):
        raise InputError(f"family {name}: features with fitted and fit belong together; define both or none")
    return asked


def fit_inputs_of(name):
    """What the family's ``fit`` asks for; nothing where it has none. Raises ``InputError`` for what it cannot have."""
    asked = arguments(FOLDER / f"{name}.py", "fit") or []
    check_asked(f"family {name}: fit", asked, FIT_INPUTS)
    return asked
