"""Normalisation of spectra by their own median."""

import numpy as np


def row_median(values: np.ndarray) -> np.ndarray:
    """Median (n,) of every row of `values` (n, P) without NaN; equals `np.median(values, axis=1)`.

    numpy sorts rows of float32 with vector instructions, several times faster than its partial sort for a median.
    """
    ordered = np.sort(values, axis=1)
    n_pixels = values.shape[1]
    return (ordered[:, (n_pixels - 1) // 2] + ordered[:, n_pixels // 2]) / 2


def median_normalised(flux: np.ndarray) -> np.ndarray:
    """Clean flux of a data set (n, P): every spectrum divided by its own median and clipped at 0 from below."""
    return np.maximum(flux / row_median(flux)[:, None], 0)
