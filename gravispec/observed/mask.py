"""Pixels without a measurement are filled from their neighbours."""

import numpy as np

NEIGHBOURS = 4  # measured pixels on either side


def fill(flux: np.ndarray, error: np.ndarray, missing: np.ndarray) -> None:
    """Fill, in place, the pixels `missing` (n, P) of `flux` and `error`; a spectrum without any other stays as it is.

    The flux is the mean of the nearest `NEIGHBOURS` measured pixels on either side, weighted by inverse variance over
    distance d: Σ f/(d σ²) / Σ 1/(d σ²). Beyond the first and last measured pixel there is one side only. The error is
    that of a measured neighbour, √(Σ 1/d / Σ 1/(d σ²)), and not the smaller one of the mean: the spectrum between the
    neighbours is not known to that accuracy, and statistics of the errors stay those of the measured pixels.
    """
    for row in np.flatnonzero(missing.any(axis=1)):
        measured, gaps = np.flatnonzero(~missing[row]), np.flatnonzero(missing[row])
        if not len(measured):
            continue
        around = np.searchsorted(measured, gaps)[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS)
        exists = (around >= 0) & (around < len(measured))
        pixel = measured[np.clip(around, 0, len(measured) - 1)]
        near = exists / np.abs(pixel - gaps[:, None])
        weight = near / np.square(error[row, pixel], dtype=np.float64)
        flux[row, gaps] = (weight * flux[row, pixel]).sum(axis=1) / weight.sum(axis=1)
        error[row, gaps] = np.sqrt(near.sum(axis=1) / weight.sum(axis=1))
