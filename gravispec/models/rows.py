"""From streams of rows to arrays: all rows of a part of the stars in memory."""

import numpy as np

from gravispec.data.arrays import blocks
from gravispec.models.moments import checked_chunks


def gather(chunks):
    """X (n, P) float32 and y (n,) float64 of the rows that re-readable, sized ``chunks`` (X (m, P), y (m,)) bring.

    Takes 4 n P bytes: 0.5 GB for 32,000 spectra of 4096 pixels. Raises ``InputError`` as ``checked_chunks`` does.
    """
    X, y, n = None, np.empty(len(chunks)), 0
    for rows, targets in checked_chunks(chunks, len(chunks)):
        if X is None:
            X = np.empty((len(chunks), rows.shape[1]), np.float32)
        X[n : n + len(rows)], y[n : n + len(rows)] = rows, targets
        n += len(rows)
    return X, y


def pixel_std(X):
    """Standard deviation of each pixel, (P,) float64, without a float64 copy of X (n, P)."""
    mean = X.mean(axis=0, dtype=np.float64)
    squares = sum(np.sum((X[lo:hi] - mean) ** 2, axis=0) for lo, hi in blocks(0, len(X)))
    return np.sqrt(squares / len(X))
