"""From streams of rows to a fitted model and back: all rows in memory, and the predictions of the test stars."""

import numpy as np

from gravispec.data.arrays import selected_rows
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


def predict_test_stars(model, X, stars):
    """Table of star_id, log_g, snr and predicted, in file order, of the test stars.

    ``X``: rows (N, P) of all ``stars``, a ``RowReader`` or an array; ``model``: anything with ``predict``.
    """
    test = (stars["split"] == "test").to_numpy()
    predicted = [model.predict(rows) for rows, _ in selected_rows(X, test)]
    return (
        stars.loc[test, ["star_id", "log_g", "snr"]].reset_index(drop=True).assign(predicted=np.concatenate(predicted))
    )
