"""Are a spectrum's wavelengths in air or in vacuum? Measured from the cores of strong lines."""

import numpy as np

from gravispec.errors import InputError
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
TOLERANCE = 0.3  # of the distance between air and vacuum, 0.5 Å for Na I D and 0.7 Å for Ca II


def medium_offset(wave: np.ndarray, flux: np.ndarray, continuum: np.ndarray) -> float:
    """Where the cores of `LINES` are, (core − air) / (vacuum − air): 0 in air, 1 in vacuum; the median over the lines.

    A core is the minimum of flux / continuum between 0.5 of that distance below the position in air and 0.5 above that
    in vacuum, refined by a parabola. NaN where no line is inside the spectrum and deep enough.

    Args:
        wave: (n,) Å, increasing, of a spectrum at rest, sampled to 1 Å or better.
        flux, continuum: (n,) in the same unit.
    """
    offsets = []
    for air in LINES.values():
        shift = air_to_vacuum(air) - air
        lo, hi = np.searchsorted(wave, [air - 0.5 * shift, air + 1.5 * shift])
        if hi - lo < 3 or lo == 0 or hi == len(wave):
            continue
        normalised = flux[lo:hi] / continuum[lo:hi]
        i = int(np.argmin(normalised))
        if 0 < i < hi - lo - 1 and normalised[i] < 1 - DEPTH:
            near = slice(i - 1, i + 2)
            curvature, slope, _ = np.polyfit(wave[lo:hi][near] - wave[lo + i], normalised[near], 2)
            offsets.append((wave[lo + i] - slope / (2 * curvature) - air) / shift if curvature > 0 else np.nan)
    return float(np.nanmedian(offsets)) if np.isfinite(offsets).any() else float("nan")


def check_medium(offsets: np.ndarray, declared: str, names: list[str], *, key: str) -> None:
    """Compare the `medium_offset` (n,) of files with the `declared` medium, "air" or "vacuum".

    A file without strong lines is passed over.

    Raises:
        InputError: names the first file whose lines are elsewhere, or `key` where no file has lines.
    """
    expected = {"air": 0.0, "vacuum": 1.0}[declared]
    if not np.isfinite(offsets).any():
        raise InputError(f"{key} = {declared}: cannot be checked, no file shows {', '.join(LINES)}")
    wrong = np.abs(offsets - expected) > TOLERANCE
    if wrong.any():
        i = int(np.argmax(wrong))
        other = {"air": "vacuum", "vacuum": "air"}[declared]
        is_other = abs(offsets[i] - (1 - expected)) <= TOLERANCE
        found = f"are where {other} wavelengths put them" if is_other else "are neither where air nor vacuum puts them"
        remedy = f"declare medium: {other}" if is_other else "check the file"
        raise InputError(
            f"{key} = {declared}: the line cores of {names[i]} {found} "
            f"(offset {offsets[i]:.2f}; air is 0, vacuum 1); {remedy}"
        )
