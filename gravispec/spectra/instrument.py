"""The spectrograph: Gaussian line spread function and pixels."""

import numpy as np
from scipy import sparse
from scipy.special import ndtr

from gravispec.errors import InputError

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
REACH = 5.0  # standard deviations of the line spread function that count


def pixel_edges(wave: np.ndarray) -> np.ndarray:
    """Edges (P + 1,) of the pixels with centres `wave` (P,): half-way between neighbours."""
    wave = np.asarray(wave, dtype=float)
    if wave.ndim != 1 or wave.size < 2 or not (np.diff(wave) > 0).all():
        raise InputError("wave_pixels: needs one axis of at least two increasing wavelengths")
    inner = 0.5 * (wave[1:] + wave[:-1])
    return np.concatenate([[2.0 * wave[0] - inner[0]], inner, [2.0 * wave[-1] - inner[-1]]])


def fine_wave(wave_pixels: np.ndarray, fwhm: float, *, step: float = 0.05, pad: float = 2.0) -> np.ndarray:
    """Evenly spaced vacuum wavelengths (n_fine,) that cover the pixels and the reach of the line spread function.

    The points are multiples of `step` (Angstrom), so that any part of a spectrograph's range uses the same ones; `pad`
    Angstrom are added on both sides. Spectra of 1.6 Angstrom FWHM are converged to 1e-4 with 0.05.
    """
    edges = pixel_edges(wave_pixels)
    margin = REACH * fwhm / FWHM_PER_SIGMA + pad
    first = np.floor((edges[0] - margin) / step)
    last = np.ceil((edges[-1] + margin) / step)
    return step * np.arange(first, last + 1)


def response(wave_fine: np.ndarray, wave_pixels: np.ndarray, fwhm: float) -> sparse.csr_array:
    """Matrix (P, n_fine) that takes a spectrum on `wave_fine` to the mean flux density in each pixel.

    A row is the pixel's box convolved with the Gaussian of the given `fwhm` (Angstrom), normalised to unit sum. Raises
    InputError where `wave_fine` does not reach `REACH` standard deviations beyond the pixels.
    """
    if not fwhm > 0:
        raise InputError(f"fwhm: {fwhm} is not a width in Angstrom; give a positive number")
    sigma = fwhm / FWHM_PER_SIGMA
    edges = pixel_edges(wave_pixels)
    reach = REACH * sigma
    if wave_fine[0] > edges[0] - reach or wave_fine[-1] < edges[-1] + reach:
        raise InputError(
            f"wave_fine: covers {wave_fine[0]:.2f}-{wave_fine[-1]:.2f} A, but the pixels need "
            f"{edges[0] - reach:.2f}-{edges[-1] + reach:.2f} A; make it with instrument.fine_wave"
        )
    start = np.searchsorted(wave_fine, edges[:-1] - reach)
    stop = np.searchsorted(wave_fine, edges[1:] + reach)
    columns = np.concatenate([np.arange(i, j) for i, j in zip(start, stop, strict=True)])
    rows = np.repeat(np.arange(start.size), stop - start)
    width = np.gradient(wave_fine)[columns]
    offset = wave_fine[columns]
    weight = (ndtr((edges[rows + 1] - offset) / sigma) - ndtr((edges[rows] - offset) / sigma)) * width
    weight /= np.bincount(rows, weight)[rows]
    return sparse.csr_array((weight, (rows, columns)), shape=(start.size, wave_fine.size))


def observe(wave_fine: np.ndarray, flux: np.ndarray, wave_pixels: np.ndarray, fwhm: float) -> np.ndarray:
    """Spectra (..., P) on the pixels `wave_pixels` (P,) from spectra `flux` (..., n_fine) on `wave_fine` (n_fine,).

    Wavelengths and `fwhm` in Angstrom. For many spectra on one grid keep `response` and multiply by it instead.
    """
    flux = np.asarray(flux)
    matrix = response(wave_fine, wave_pixels, fwhm)
    flat = matrix @ flux.reshape(-1, flux.shape[-1]).T
    return flat.T.reshape(*flux.shape[:-1], len(wave_pixels))
