"""Units of wavelength and flux density in users' files."""

import re
import warnings
from functools import cache

import numpy as np
from astropy import units

from gravispec.errors import InputError

PER_WAVELENGTH = units.Unit("W m-3")
PER_FREQUENCY = units.Unit("W m-2 Hz-1")
FLUX_UNITS = "nJy or erg / (s cm2 Angstrom), 1 for relative flux per wavelength (FITS: the keyword BUNIT = '1')"
# as people write them, whatever the case
_NAMES = {
    **dict.fromkeys(("a", "ang", "angstrom", "angstroms"), "Angstrom"),
    **dict.fromkeys(("nm", "nanometers"), "nm"),
    **dict.fromkeys(("micron", "microns"), "um"),
    "ergs": "erg",
}


@cache
def parse(text: str) -> units.UnitBase:
    """The unit that `text` names, in any notation astropy reads; A is ångström here, never ampere.

    Raises:
        ValueError: not a unit.
    """
    text = re.sub(r"[A-Za-z]+", lambda word: _NAMES.get(word[0].lower(), word[0]), text.strip())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)
        return units.Unit(text)


def in_angstrom(values: np.ndarray, unit: str | None, where: str) -> np.ndarray:
    """Wavelengths in Å from `values` in `unit`; InputError names `where`, without a unit or with one of no length."""
    values = np.asarray(values, dtype=np.float64)
    return values * _known(unit, where, "nm, um or Angstrom", lambda u: u.to(units.Angstrom))


def is_per_frequency(unit: str | None, where: str) -> bool:
    """Whether flux densities in `unit` are per frequency (nJy) and not per wavelength (erg/s/cm²/Å).

    A unit without dimension is relative flux per wavelength, what normalised spectra have: "1", or a unit that is there
    and blank, as astropy writes it. None, no unit at all, is refused.
    """

    def kind(u):
        if u.is_equivalent(PER_FREQUENCY):
            return True
        if u.is_equivalent(PER_WAVELENGTH) or u.is_equivalent(units.one):
            return False
        raise ValueError

    return _known(dimensionless_if_blank(unit), where, FLUX_UNITS, kind)


def dimensionless_if_blank(unit: str | None) -> str | None:
    """ "1" for a blank unit, which astropy writes for one without dimension."""
    return "1" if unit is not None and not unit.strip() else unit


def error_factor(unit: str | None, flux_unit: str | None, where: str, *, power: int = 1) -> float:
    """Factor that takes `unit` to `flux_unit` ** `power`; 1 where the error has no unit of its own."""
    if not unit or not unit.strip() or unit == flux_unit:
        return 1.0
    flux_unit = dimensionless_if_blank(flux_unit)
    wanted = parse(flux_unit) ** power
    expected = f"that of the flux, {flux_unit}" if power == 1 else f"{wanted.to_string()}, the flux's to the {power}"
    return _known(unit, where, expected, lambda u: u.to(wanted))


def in_km_s(values: np.ndarray, unit: str | None, where: str) -> np.ndarray:
    """Velocities in km/s; without a unit they are km/s already."""
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where} has values that are no numbers; give velocities in km/s") from None
    return values * _known(unit or "km/s", where, "km/s", lambda u: u.to(units.km / units.s))


def width_in_angstrom(values: np.ndarray, unit: str | None, where: str) -> np.ndarray:
    """Widths of lines in Å; without a unit they are Å already."""
    return in_angstrom(values, unit or "Angstrom", where)


def _known(unit, where, expected, convert):
    if not unit or not unit.strip():
        raise InputError(f"{where} has no unit; state it in the file: {expected}")
    try:
        return convert(parse(unit))
    except (ValueError, TypeError):
        raise InputError(f"{where} has the unit {unit!r}; it must be {expected}") from None
