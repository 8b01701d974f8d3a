"""How spectra are read: what the user says of them, and what the models need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.constants import c

from gravispec.errors import InputError
from gravispec.observed.asked import Asked

LIGHT = c / 1e3  # km/s
FIT = "fit"
LIMIT = 500.0  # km/s, within which a velocity is looked for
#: a spectrum needs measurements in this fraction of the model's pixels, by models that know of gaps and by others
FEW, ENOUGH = 0.15, 0.8
RANGES = {"fwhm": (0.01, 100, "Å"), "R": (50, 1e6, "")}


@dataclass(frozen=True)
class Reading:
    """Options of ``gravispec predict`` and of a catalogue, None where nothing is said; then what models need.

    medium : air or vacuum, in the place of what the file declares
    velocity : km/s that is taken out, a number, a column, or ``fit``; None: as the file gives, else by ``finder``
    fwhm, R : of the lines, Å, or wavelength / fwhm, a number or a column; sharper ones are made as wide as the model's
    error : of spectra without errors, a share of their median flux, or a column with their S/N
    least : fraction of the pixels that has to be measured
    windows : (low, high), Å, vacuum, that count as not measured
    model_fwhm : Å, of the model's lines; None: not known
    finder : what measures velocities (``observed.velocity``)
    """

    medium: str | None = None
    velocity: float | str | None = None
    fwhm: float | str | None = None
    R: float | str | None = None
    error: float | str | None = None
    least: float = ENOUGH
    windows: tuple = ()
    model_fwhm: float | None = None
    finder: Callable | None = None

    def __post_init__(self):
        if self.medium not in (None, "air", "vacuum"):
            raise InputError(f"medium: {self.medium!r} is neither air nor vacuum")
        if _is_number(self.velocity) and not abs(self.velocity) < LIGHT:
            raise InputError(f"velocity: {self.velocity} km/s is not below the speed of light")
        if self.velocity == FIT and self.finder is None:
            raise InputError("velocity: fit: there are no model spectra to fit it by; give a number or a column")
        if self.fwhm is not None and self.R is not None:
            raise InputError("fwhm and R say the same; give one of them")
        for name, (low, high, unit) in RANGES.items():
            value = getattr(self, name)
            if _is_number(value) and not low <= value <= high:
                is_not = f"{name}: {value:g} {unit} is not within {low:g}-{high:g}"
                raise InputError(f"{is_not}; check its unit: fwhm in Å, R = wavelength / fwhm")
        if self.has_width and self.model_fwhm is None:
            raise InputError("fwhm, R: the run does not say how wide its lines are; give fwhm of its data set")
        if _is_number(self.error) and not 0 < self.error < 10:
            raise InputError(f"error: {self.error:g} is no share of the flux; give one above 0, such as 0.01")

    @property
    def has_width(self):
        return self.fwhm is not None or self.R is not None

    @property
    def asked(self) -> Asked:
        """What a file is asked for."""
        velocity = None if self.velocity == FIT else _column(self.velocity)
        of_file = {"fwhm": _column(self.fwhm), "R": _column(self.R), "snr": _column(self.error)}
        return Asked(velocity, **of_file, without_errors=self.error is not None)

    def lines(self) -> list[str]:
        """For a log: what is taken for granted of all spectra."""
        said = []
        if not self.has_width and self.model_fwhm:
            said.append(f"lines are taken to be as wide as the model's, {self.model_fwhm:g} Å; fwhm or R say otherwise")
        if self.finder:
            which = "are" if self.velocity == FIT else "that no file gives are"
            said.append(
                f"velocities {which} measured by model spectra within {LIMIT:.0f} km/s; --velocity 0 takes none out"
            )
        if self.windows:
            windows = ", ".join(f"{low:g}-{high:g}" for low, high in sorted(self.windows))
            said.append(f"windows of sky and tellurics are left out, {windows} Å; --keep-windows keeps them")
        return said

    def fwhms(self, width: np.ndarray, wave: np.ndarray) -> np.ndarray:
        """(n, 1) or (n, Q) fwhm, Å, at ``wave`` (Q,) or (n, Q), NaN where it is not known; ``width`` as in ``Raw``."""
        name = "R" if self.fwhm is None else "fwhm"
        low, high, _ = RANGES[name]
        value = getattr(self, name)
        of_row = np.full(len(width), value) if _is_number(value) else width
        of_row = np.where((of_row >= low) & (of_row <= high), of_row, np.nan)[:, None]
        return wave / of_row if name == "R" else of_row

    def relative_errors(self, snr: np.ndarray) -> np.ndarray:
        """(n,) error over the median flux of spectra that have none; NaN where the S/N (n,) is not above 0."""
        if _is_number(self.error):
            return np.full(len(snr), self.error)
        return 1 / np.where(snr > 0, snr, np.nan)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _column(value):
    return value if isinstance(value, str) else None
