"""The spectrograph: Gaussian line spread function and pixels."""

import numpy as np
from scipy import sparse
from scipy.interpolate import make_interp_spline
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


def response(wave_fine: np.ndarray, wave_pixels: np.ndarray, fwhm: float | np.ndarray) -> sparse.csr_array:
    """Matrix (P, n_fine) that takes a spectrum on `wave_fine` to the mean flux density in each pixel.

    A row is the pixel's box convolved with the Gaussian of the given `fwhm` (Angstrom; one, or one a pixel), normalised
    to unit sum. Raises InputError where `wave_fine` does not reach `REACH` standard deviations beyond the pixels.
    """
    if not np.all(np.asarray(fwhm) > 0):
        raise InputError(f"fwhm: {fwhm} is not a width in Angstrom; give a positive number")
    sigma = np.broadcast_to(np.asarray(fwhm, dtype=float) / FWHM_PER_SIGMA, np.shape(wave_pixels))
    edges = pixel_edges(wave_pixels)
    reach = REACH * sigma
    if wave_fine[0] > edges[0] - reach[0] or wave_fine[-1] < edges[-1] + reach[-1]:
        raise InputError(
            f"wave_fine: covers {wave_fine[0]:.2f}-{wave_fine[-1]:.2f} A, but the pixels need "
            f"{edges[0] - reach[0]:.2f}-{edges[-1] + reach[-1]:.2f} A; make it with instrument.fine_wave"
        )
    start = np.searchsorted(wave_fine, edges[:-1] - reach)
    stop = np.searchsorted(wave_fine, edges[1:] + reach)
    columns = np.concatenate([np.arange(i, j) for i, j in zip(start, stop, strict=True)])
    rows = np.repeat(np.arange(start.size), stop - start)
    width = np.gradient(wave_fine)[columns]
    offset = wave_fine[columns]
    weight = (ndtr((edges[rows + 1] - offset) / sigma[rows]) - ndtr((edges[rows] - offset) / sigma[rows])) * width
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


def from_published(wave: np.ndarray, flux: np.ndarray, wave_pixels: np.ndarray, *, fwhm: float, R: float) -> np.ndarray:
    """Spectra (n, P) on the pixels, of line-spread function `fwhm`, from model spectra of finite resolution.

    The models are brought to `fine_wave` by a quintic spline and convolved with what their resolution leaves of `fwhm`.

    Args:
        wave: (m,) Angstrom, vacuum, increasing, on the models' own sampling.
        flux: (n, m) of resolution `R` = wave / FWHM, sharper than `fwhm` at every pixel.
        wave_pixels: (P,) Angstrom, vacuum.
        fwhm: Angstrom, of the result.

    Raises:
        InputError: `wave` does not cover the pixels and the line-spread function.
    """
    fine = fine_wave(wave_pixels, fwhm)
    if wave[0] > fine[0] or wave[-1] < fine[-1]:
        raise InputError(
            f"models cover {wave[0]:.1f}-{wave[-1]:.1f} A in vacuum, but the pixels need {fine[0]:.1f}-{fine[-1]:.1f} A"
        )
    # variances of Gaussians add
    matrix = response(fine, wave_pixels, np.sqrt(fwhm**2 - (wave_pixels / R) ** 2))
    # one by one: the fine spectra of all models together would be 25 times the result
    return np.array([matrix @ make_interp_spline(wave, row, k=5)(fine) for row in flux]).reshape(-1, len(wave_pixels))
