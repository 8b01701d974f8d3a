"""Selections from the table of stars of a data set; its rows are in the order of the flux arrays."""

import numpy as np

from gravispec.data.arrays import selected_rows
from gravispec.errors import InputError

#: how the validation stars are used; no model sees the last of them
VALIDATION_PARTS = ("fit", "stop", "calibration")


def training_mask(stars, n_train):
    """The first ``n_train`` training stars, as a mask over all rows. Raises ``InputError`` where there are fewer."""
    train = (stars["split"] == "train").to_numpy()
    if train.sum() < n_train:
        raise InputError(
            f"n_train = {n_train}: the data set has {train.sum()} training stars; lower n_train in the run"
        )
    return train & (np.cumsum(train) <= n_train)


def part_of_stars(stars, *, fit, stop):
    """Use of each star (N,), from the table of stars: train, test, or one of VALIDATION_PARTS, in file order.

    A fraction ``fit`` of the validation stars fits what must not see training stars, the next ``stop`` stops training.
    """
    part = stars["split"].to_numpy(object, copy=True)
    val = np.flatnonzero(part == "val")
    n_fit, n_stop = round(fit * len(val)), round(stop * len(val))
    part[val] = np.repeat(VALIDATION_PARTS, (n_fit, n_stop, len(val) - n_fit - n_stop))
    return part


class TrainingChunks:
    """Flux and labels of the stars in ``keep``, read anew from disk at every iteration.

    ``flux``: a ``RowReader``, or an array with a row a star. ``labels``: a column of ``stars``, or several. Yields
    ``X (n, P), y (n,)``, or ``y (n, T)`` for several labels.
    """

    def __init__(self, flux, stars, keep, labels="log_g"):
        self.flux, self.keep = flux, keep
        self.labels = stars[labels if isinstance(labels, str) else list(labels)].to_numpy(np.float64)

    def __len__(self):
        return int(self.keep.sum())

    def __iter__(self):
        for rows, index in selected_rows(self.flux, self.keep):
            yield rows, self.labels[index]
