"""Baseline ``metadata``: log g from what is known of a star without its spectrum. It must give R² ≈ 0.

More than 0 means that log g follows from the other labels, as in stars along an isochrone: then a model may predict
gravities from the distribution of the training stars, without reading the lines. The trees of ``lightgbm`` look for any
such relation. S/N is left out: it is measured on the flux.
"""

import numpy as np

from gravispec.models.baselines import lightgbm

COLUMNS = ("T_eff", "M_H", "a_M", "C_M", "mag", "redshift")

load = lightgbm.load


def labels(stars):
    """(N, D) float64, the place of the flux: those of ``COLUMNS`` that the table has with finite values throughout."""
    columns = [name for name in COLUMNS if name in stars and np.isfinite(stars[name]).all()]
    return stars[columns].to_numpy(np.float64)


def fit(train, val, *, leaves=15, seed, threads=1):
    """``Trees`` on chunks of (labels, log_g), as ``TrainingChunks(labels(stars), stars, keep)`` gives them.

    Few leaves, for few columns; early stopping by ``val``.
    """
    return lightgbm.fit(train, val, leaves=leaves, seed=seed, threads=threads)
