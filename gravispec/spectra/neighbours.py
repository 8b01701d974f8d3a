"""Pixels without a measurement, filled from their neighbours."""

import numpy as np

NEIGHBOURS = 8  # measured pixels on either side of one to fill


def fill(flux: np.ndarray, error: np.ndarray, missing: np.ndarray) -> None:
    """Fill, in place, the pixels `missing` (n, P) of `flux` and `error`; a spectrum without any other stays as it is.

    That is a first guess from neighbours; a trained run makes the fill (`models.filling`).
    The flux is a mean of the nearest `NEIGHBOURS` measured pixels on either side, weighted by inverse variance over the
    cube of the distance d: Σ f/(d³ σ²) / Σ 1/(d³ σ²). So one pixel is bridged by the two beside it, also in a line,
    and noise averages out over a wide gap. Beyond the first and last measured pixel there is one side only.

    The error is that of a measured neighbour, √(Σ 1/d³ / Σ 1/(d³ σ²)), and not the smaller one of the mean: the flux in
    the gap is not known to that accuracy, and statistics of the errors stay those of the measured pixels.
    """
    for row in np.flatnonzero(missing.any(axis=1)):
        measured, gaps = np.flatnonzero(~missing[row]), np.flatnonzero(missing[row])
        if not len(measured):
            continue
        around = np.searchsorted(measured, gaps)[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS)
        exists = (around >= 0) & (around < len(measured))
        pixel = measured[np.clip(around, 0, len(measured) - 1)]
        near = exists / np.abs(pixel - gaps[:, None]) ** 3.0
        weight = near / np.square(error[row, pixel], dtype=np.float64)
        flux[row, gaps] = (weight * flux[row, pixel]).sum(axis=1) / weight.sum(axis=1)
        error[row, gaps] = np.sqrt(near.sum(axis=1) / weight.sum(axis=1))
