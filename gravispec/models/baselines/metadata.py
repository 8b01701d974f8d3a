"""Baseline ``metadata``: log g from what is known of a star without its spectrum. It must give R² ≈ 0.

More than 0 means that log g follows from the other labels, as in stars along an isochrone: then a model may predict
gravities from the distribution of the training stars, without reading the lines. The trees of ``lightgbm`` look for any
such relation. S/N is left out: it is measured on the flux.
"""

import numpy as np

from gravispec.models.baselines import lightgbm

COLUMNS = ("T_eff", "M_H", "a_M", "C_M", "mag", "redshift")  # those that a data set has

load = lightgbm.load


class LabelChunks:
    """``(X (n, D) labels, y (n,) log_g)`` of the stars in the mask ``keep``, as one chunk; X holds ``COLUMNS``."""

    def __init__(self, stars, keep):
        self.X = labels(stars)[np.asarray(keep)]
        self.y = stars["log_g"].to_numpy(np.float64)[np.asarray(keep)]

    def __len__(self):
        return len(self.y)

    def __iter__(self):
        yield self.X, self.y


def labels(stars):
    """(N, D) float64: those of ``COLUMNS`` that the table has, with finite values only (files may leave mag empty)."""
    columns = [name for name in COLUMNS if name in stars and np.isfinite(stars[name]).all()]
    return stars[columns].to_numpy(np.float64)


def fit(train, val, *, leaves=15, seed, threads=1):
    """``Trees`` of ``lightgbm`` on ``LabelChunks``: few leaves, for few columns, and early stopping by ``val``."""
    return lightgbm.fit(train, val, leaves=leaves, seed=seed, threads=threads)
