"""From streams of rows to arrays: all rows of a part of the stars in memory."""

import numpy as np

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
