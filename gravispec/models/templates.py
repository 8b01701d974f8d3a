"""Model spectra that a trained run can give, to measure velocities by."""

import numpy as np

from gravispec.models.posterior import Posterior

#: of the ranges of log g, T_eff and [M/H]
SHARES = [(0.4, T_eff, M_H) for T_eff in (0.05, 0.3, 0.6, 0.9) for M_H in (0.35, 0.8)]


def templates(level):
    """(T, P) flux of eight kinds of stars by the forward model of a ``Level``; where it has none, of the mean star.

    The stars are those of the bank, drawn from the prior, whose labels are nearest to ``SHARES``.
    """
    models = [fitted.model for fitted in level.models.values()]
    for model in models:
        if isinstance(model, Posterior):
            labels = model.bank[:, model.order]
            share = (labels - labels.min(axis=0)) / np.ptp(labels, axis=0)
            nearest = [np.square(share - wanted).sum(axis=1).argmin() for wanted in SHARES]
            return model.emulator.coefficients(model.bank[nearest]) @ model.basis
    for model in models:
        if hasattr(model, "projection"):
            return model.projection.typical[None]
    return level.fits.pca.mean[None]
