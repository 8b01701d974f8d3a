"""Are a spectrum's wavelengths in air or in vacuum? Measured from strong lines."""

import numpy as np
from scipy.interpolate import make_interp_spline

from gravispec.errors import InputError
from gravispec.spectra.offset import SEARCH, TOLERANCE, wavelength_offset
from gravispec.spectra.wavelength import air_to_vacuum

# air, Å: NIST Atomic Spectra Database
LINES = {
    "Na I D2": 5889.951,
    "Na I D1": 5895.924,
    "Na I 8183": 8183.256,
    "Na I 8195": 8194.824,
    "Ca II 8498": 8498.02,
    "Ca II 8542": 8542.09,
    "Ca II 8662": 8662.14,
}
DEPTH = 0.05  # of the continuum, that a line needs to count
CORE_TOLERANCE = 0.3  # of the distance between air and vacuum: 0.5 Å for Na I D, 0.7 Å for Ca II
TEMPLATE_SIGMA = 1.0  # Å


def medium_offset(wave: np.ndarray, flux: np.ndarray, continuum: np.ndarray) -> float:
    """Where the cores of `LINES` are, (core − air) / (vacuum − air): 0 in air, 1 in vacuum; the median over the lines.

    A core is the minimum of a cubic spline through flux / continuum, between half that distance below the position in
    air and half of it above that in vacuum. NaN where no line is inside the spectrum and deep enough.

    Args:
        wave: (n,) Å, increasing, of a spectrum at rest.
        flux, continuum: (n,) in the same unit.
    """
    offsets = []
    where = np.linspace(-0.5, 1.5, 401)
    for air in LINES.values():
        at = air + where * (air_to_vacuum(air) - air)
        lo, hi = np.searchsorted(wave, at[[0, -1]]) + np.array([-4, 4])  # four points beyond, for the spline
        if lo < 0 or hi > len(wave):
            continue
        profile = make_interp_spline(wave[lo:hi], flux[lo:hi] / continuum[lo:hi], k=3)(at)
        core = int(np.argmin(profile))
        if 0 < core < len(at) - 1 and profile[core] < 1 - DEPTH:
            offsets.append(where[core])
    return float(np.median(offsets)) if offsets else float("nan")


def check_medium(offsets: np.ndarray, declared: str, names: list[str], *, key: str) -> None:
    """Compare the `medium_offset` (n,) of files with the `declared` medium, "air" or "vacuum".

    Raises:
        InputError: names `key`, and the first file in the other medium; or no file has strong lines; or the median file
            has them in neither place.
    """
    other, expected = {"air": ("vacuum", 0.0), "vacuum": ("air", 1.0)}[declared]
    if not np.isfinite(offsets).any():
        raise InputError(f"{key} = {declared}: cannot be checked, no file shows {', '.join(LINES)}")
    in_other = np.abs(offsets - (1 - expected)) <= CORE_TOLERANCE
    if in_other.any():
        i = int(np.argmax(in_other))
        raise InputError(
            f"{key} = {declared}: the line cores of {names[i]} are where {other} wavelengths put them "
            f"({offsets[i]:.2f}; air is 0, vacuum 1); declare medium: {other}"
        )
    median = np.nanmedian(offsets)
    if abs(median - expected) > CORE_TOLERANCE:
        raise InputError(
            f"{key} = {declared}: the line cores of {names[0]} and the files after it are neither where air nor where "
            f"vacuum puts them ({median:.2f}; air is 0, vacuum 1); check the files"
        )


def vacuum_offset(wave: np.ndarray, flux: np.ndarray) -> float:
    """Pixels by which the strong lines of the mean of spectra lie beyond their wavelengths in vacuum, at rest.

    By cross-correlation with a template of the Ca II lines, or of the Na I lines, which stand in telluric water, where
    there are no others. NaN where `wave` (P,), Å, holds none. `flux` (n, P) is normalised, of any star: blends move the
    result by 0.1 pixels of 0.4 Å, Paschen lines of giants at 6000 K by 0.3.
    """
    covered = {name: air_to_vacuum(air) for name, air in LINES.items() if wave[0] + SEARCH < air < wave[-1] - SEARCH}
    centres = np.array([line for name, line in covered.items() if "Ca" in name] or list(covered.values()))
    if not len(centres) or wave[-1] - wave[0] < 4 * SEARCH:
        return float("nan")
    template = 1 - np.exp(-0.5 * ((wave[:, None] - centres) / TEMPLATE_SIGMA) ** 2).sum(axis=1)
    return float(wavelength_offset(wave, flux.mean(axis=0, keepdims=True), template)[0])


def describe_vacuum_offset(offset: float) -> str:
    """One line for a log, which begins with "warning" where `vacuum_offset` is more than `TOLERANCE` pixels."""
    if np.isnan(offset):
        return "the pixels hold no strong line that tells air from vacuum"
    found = f"strong lines are {offset:+.2f} pixels from their wavelengths in vacuum at rest"
    if abs(offset) > TOLERANCE:
        return f"warning: {found}, more than {TOLERANCE}: are these wavelengths in air, or not at rest?"
    return found
