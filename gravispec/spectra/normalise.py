"""Normalisation of spectra by their own median, of NumPy arrays or tensors, and by a running continuum."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from gravispec.device import namespace


def row_median(values: np.ndarray) -> np.ndarray:
    """Median (n,) of every row of `values` (n, P) without NaN; equals `np.median(values, axis=1)`.

    numpy sorts rows of float32 with vector instructions, several times faster than its partial sort for a median.
    """
    ordered = np.sort(values, axis=1) if namespace(values) is np else values.sort(dim=1).values
    n_pixels = values.shape[1]
    return (ordered[:, (n_pixels - 1) // 2] + ordered[:, n_pixels // 2]) / 2


def median_normalised(flux: np.ndarray) -> np.ndarray:
    """Clean flux of a data set (n, P): every spectrum divided by its own median and clipped at 0 from below."""
    return namespace(flux).clip(flux / row_median(flux)[:, None], 0, None)


def running_continuum(flux: np.ndarray, wave: np.ndarray, width: float) -> np.ndarray:
    """Running mean (n, P) of flux (n, P) over `width`, Å; the window is cut at both ends of the spectrum.

    A mean that is not positive, in spectra that are nearly all noise, counts as 1 % of the spectrum's own mean.
    """
    size = max(3, round(width / float(np.median(np.diff(wave)))))
    shares = uniform_filter1d(np.ones(len(wave)), size, mode="constant")
    continuum = uniform_filter1d(flux, size, axis=1, mode="constant", output=np.float64) / shares
    floor = 0.01 * np.abs(flux.mean(axis=1, dtype=np.float64, keepdims=True))
    return np.maximum(continuum, floor)


def continuum_normalised(flux: np.ndarray, wave: np.ndarray, width: float) -> np.ndarray:
    """flux (n, P) float32 divided by its `running_continuum`.

    Takes out what flux calibration and dust do to the shape of a spectrum, and with it what the shape says of the star.
    """
    return (flux / running_continuum(flux, wave, width)).astype(np.float32)
