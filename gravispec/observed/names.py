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


def find(names: Iterable[str], aliases: tuple[str, ...]) -> str | None:
    """The first of `aliases` among `names`, as it is spelt there; upper and lower case are the same."""
    spelt = {name.lower(): name for name in names}
    return next((spelt[alias] for alias in aliases if alias in spelt), None)


def find_error(names: Iterable[str], where: str) -> tuple[str, int]:
    """Name of the error, variance or inverse variance, and the power of the error that it is: 1, 2 or -2."""
    names = list(names)
    for aliases, power in ((ERROR, 1), (VARIANCE, 2), (INVERSE_VARIANCE, -2)):
        if name := find(names, aliases):
            return name, power
    raise InputError(f"{where} has no errors; one of error, variance, ivar is needed, found: {', '.join(names)}")


def medium(text: str | None) -> str | None:
    """air or vacuum for what begins so (vac, VACUUM, Air); other words as they are, None for none."""
    word = (text or "").strip()
    return next((medium for medium in ("air", "vacuum") if word.lower().startswith(medium[:3])), word or None)


def to_error(values: np.ndarray, power: int) -> np.ndarray:
    """1σ error from its `power`; negative values stay negative, and an inverse variance of 0 is infinite error."""
    if power == 1:
        return values
    with np.errstate(divide="ignore"):
        return np.copysign(np.abs(values) ** (1 / power), values)
