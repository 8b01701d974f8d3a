"""Spectra whose lines are sharper than those of the model, made as wide."""

import numpy as np

from gravispec.observed.resample import MEASURED
from gravispec.spectra.instrument import FWHM_PER_SIGMA, pixel_edges

REACH = 4.0  # standard deviations of the kernel that count
NARROW = 0.2  # pixels: a kernel of a smaller standard deviation changes nothing


def kernel_sigma(wave: np.ndarray, fwhm: np.ndarray, wanted: float) -> np.ndarray:
    """1σ, Å, of the Gaussian that is missing to lines of `fwhm` in spectra that are to have `wanted`; 0 where none is.

    `wave` (Q,) or (n, Q), `fwhm` (n, Q) or (n, 1), NaN where it is not known. √(wanted² - fwhm²) / 2.355, less what
    `resample` does: it cuts pixels up into those of the model, which smooths as a box of their width.
    """
    pixel = np.gradient(wave, axis=-1)
    variance = (wanted**2 - np.square(fwhm)) / FWHM_PER_SIGMA**2 - pixel**2 / 12
    sigma = np.sqrt(np.maximum(np.nan_to_num(variance), 0))
    return np.where(sigma > NARROW * pixel, sigma, 0)


def degraded(flux, error, bad, wave, sigma):
    """`flux`, effective `error` and `bad` (n, Q) of spectra convolved with Gaussians of `sigma` (n, Q) or (1, Q), Å.

    Normalised convolution: with g = 1 for good pixels and w_ij ∝ Δ_i exp(-(λ_i - λ_j)² / 2σ_j²), Σ_i w_ij = 1,

        F_j = Σ_i w_ij g_i f_i / C_j,   C_j = Σ_i w_ij g_i,   E_j² = Σ_i w_ij g_i e_i² / C_j².

    A pixel with C_j below `MEASURED` is bad. E_j is not the error of F_j, whose square is smaller, Σ w² e² / C²: the
    kernel correlates noise. It is the error of uncorrelated pixels whose means over many are as uncertain, the square
    root of Σ_k Cov(F_j, F_k). So Σ 1/E² is that of the good pixels of the file: no more is known afterwards than
    before. χ² of single pixels is smaller than their number.
    """
    wave = np.atleast_2d(wave)
    width = np.stack([np.diff(pixel_edges(row)) for row in wave])
    good = (~bad).astype(np.float32)
    flux, power = np.where(bad, 0, flux), np.where(bad, 0, np.square(error))
    with np.errstate(divide="ignore"):
        scale = np.where(sigma > 0, -0.5 / np.square(sigma), 0)
    n_pixels = flux.shape[1]
    most = min(n_pixels - 1, int(np.ceil(REACH * (sigma / width).max(initial=0))))
    sums = [np.zeros(flux.shape, np.float32) for _ in range(3)]  # of flux, its variance, of what is good
    whole = np.zeros(np.broadcast_shapes(wave.shape, sigma.shape), np.float32)
    for step in range(-most, most + 1):
        to = slice(max(0, -step), n_pixels - max(0, step))
        of = slice(max(0, step), n_pixels - max(0, -step))
        weight = width[:, of] * np.exp(scale[:, to] * np.square(wave[:, of] - wave[:, to]))
        weight = np.where((scale[:, to] < 0) | (step == 0), weight, 0).astype(np.float32)
        whole[:, to] += weight
        for total, values in zip(sums, (flux, power, good), strict=True):
            total[:, to] += weight * values[:, of]
    covered = sums[2] / whole
    missing = covered < MEASURED
    norm = np.where(missing, 0, 1 / np.maximum(covered, MEASURED)) / whole
    return (sums[0] * norm).astype(np.float32), np.sqrt(sums[1] * norm / np.maximum(covered, MEASURED)), missing
