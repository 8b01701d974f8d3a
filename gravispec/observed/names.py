"""What columns, extensions and data sets of users' files are called."""

from collections.abc import Iterable

import numpy as np

from gravispec.errors import InputError

WAVE = ("wave", "wavelength", "lambda", "lam", "spectral_axis")
LOG_WAVE = ("loglam",)  # log10 of Å, as in SDSS
FLUX = ("flux", "flux_density", "spec", "spectrum", "sci")
ERROR = ("error", "err", "sigma", "flux_error", "flux_err", "uncertainty", "std", "stddev")
INVERSE_VARIANCE = ("ivar", "invvar", "inverse_variance")
VARIANCE = ("variance", "var")
MASK = ("mask", "bad", "badpix")
STAR_ID = ("star_id", "objid", "obj_id", "source_id", "targetid", "target_id", "id", "name", "object")
VELOCITY = ("radial_velocity", "vrad", "rv")
SAID = {"velocity": "velocities", "width": "line widths", "snr": "S/N"}  # what is said of each spectrum


def find(names: Iterable[str], aliases: tuple[str, ...]) -> str | None:
    """The first of `aliases` among `names`, as it is spelt there; upper and lower case are the same."""
    spelt = {name.lower(): name for name in names}
    return next((spelt[alias] for alias in aliases if alias in spelt), None)


def find_error(names: Iterable[str], where: str, *, needed: bool = True) -> tuple[str | None, int]:
    """Name of the error, variance or inverse variance, and the power of the error that it is: 1, 2 or -2.

    Raises:
        InputError: there is none, and it is ``needed``; else the name is None.
    """
    names = list(names)
    for aliases, power in ((ERROR, 1), (VARIANCE, 2), (INVERSE_VARIANCE, -2)):
        if name := find(names, aliases):
            return name, power
    if not needed:
        return None, 1
    raise InputError(
        f"{where} has no errors; one of error, variance, ivar is needed, or --error 0.01, found: {', '.join(names)}"
    )


def medium(text: str | None) -> str | None:
    """air or vacuum for what begins so (vac, VACUUM, Air); other words as they are, None for none."""
    word = (text or "").strip()
    return next((medium for medium in ("air", "vacuum") if word.lower().startswith(medium[:3])), word or None)


def as_numbers(values: np.ndarray, unit: str | None, where: str) -> np.ndarray:
    """Values (n,) float64 of a column, whose unit does not matter."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where} has values that are no numbers; numbers are needed") from None


def to_error(values: np.ndarray, power: int) -> np.ndarray:
    """1σ error from its `power`; negative values stay negative, and an inverse variance of 0 is infinite error."""
    if power == 1:
        return values
    with np.errstate(divide="ignore"):
        return np.copysign(np.abs(values) ** (1 / power), values)
