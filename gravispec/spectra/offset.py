"""Wavelength offset between spectra and a template, by cross-correlation: is the one in air, the other in vacuum?"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from gravispec.errors import InputError

CONTINUUM = 50.0  # Å, width of the running mean that is taken for the continuum
SEARCH = 15.0  # Å, largest offset that is looked for: air and vacuum are 2.3 Å apart, 500 km/s are 14 Å
TOLERANCE = 0.5  # pixels, beyond which data and model do not belong together


def wavelength_offset(wave: np.ndarray, flux: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Offset (n,) float64 of every spectrum in pixels, positive where its lines are at longer wavelengths.

    The maximum of the cross-correlation of the lines, its position refined by a parabola (Tonry & Davis 1979, AJ 84,
    1511). The continuum is a running mean over `CONTINUUM`, so only lines count; a pixel that is not finite counts as
    continuum. NaN where a spectrum has no lines, or none like the template's within `SEARCH`.

    Args:
        wave: (P,) pixels, Å, increasing; equidistant to a few per cent.
        flux: (n, P), any unit.
        template: (P,) or (n, P) on the same pixels.

    Raises:
        InputError: shapes that differ, or fewer pixels than `SEARCH` needs.
    """
    wave, flux, template = (np.asarray(values, dtype=np.float64) for values in (wave, flux, template))
    n_pixels = len(wave)
    if flux.ndim != 2 or flux.shape[1] != n_pixels or template.shape not in ((n_pixels,), flux.shape):
        raise InputError(f"flux {flux.shape}, template {template.shape}: need (n, {n_pixels}) and the same or one row")
    step = float(np.median(np.diff(wave)))
    reach = int(np.ceil(SEARCH / step))
    if n_pixels < 3 * reach:
        raise InputError(f"wave: {n_pixels} pixels of {step:.3f} Å are too few to look for offsets of {SEARCH} Å")
    width = max(3, round(CONTINUUM / step))
    lines, reference = _lines(flux, width), _lines(np.atleast_2d(template), width)
    # zeros on both sides: the transform wraps around
    size = next_fast_len(n_pixels + reach + 1, real=True)
    correlation = irfft(rfft(lines, size) * np.conj(rfft(reference, size)), size)
    lags = np.arange(-reach, reach + 1)
    correlation = correlation[:, lags]  # (n, lags); negative lags are at the end

    peak = np.clip(correlation.argmax(axis=1), 1, len(lags) - 2)
    before, top, after = correlation[np.arange(len(flux)), peak + np.array([[-1], [0], [1]])]
    curvature = before - 2 * top + after
    measured = (top > 0) & (top >= before) & (top >= after) & (curvature < 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(measured, lags[peak] + 0.5 * (before - after) / curvature, np.nan)


def _lines(flux: np.ndarray, width: int) -> np.ndarray:
    """flux / continuum - 1 (n, P), 0 where the flux is not finite; the continuum is a mean over `width` pixels."""
    finite = np.isfinite(flux)
    if finite.all():
        continuum = uniform_filter1d(flux, width, axis=1)
        return flux / np.where(np.abs(continuum) > 0, continuum, 1.0) - 1
    share = uniform_filter1d(finite.astype(np.float64), width, axis=1)
    total = uniform_filter1d(np.where(finite, flux, 0.0), width, axis=1)
    continuum = np.divide(total, share, out=np.ones_like(total), where=share > 0.5 / width)
    scale = np.where(np.abs(continuum) > 0, continuum, 1.0)
    return np.where(finite, flux / scale - 1, 0.0)
