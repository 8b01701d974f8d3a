"""Model spectra that a trained run can give, to measure velocities by."""

import numpy as np

from gravispec.models.posterior import Posterior

#: of the ranges of labels; of others than these the middle
SHARES = {"T_eff": (0.05, 0.3, 0.6, 0.9), "M_H": (0.35, 0.8), "log_g": (0.4,)}


def templates(level):
    """(T, P) flux of eight kinds of stars by the forward model of a ``Level``; where it has none, of the mean star."""
    models = [fitted.model for fitted in level.models.values()]
    for model in models:
        if isinstance(model, Posterior):
            of_axes = [SHARES.get(name, (0.5,)) for name in model.axes]
            shares = np.stack([values.ravel() for values in np.meshgrid(*of_axes, indexing="ij")], axis=1)
            low, high = model.prior.T
            return model.emulator.coefficients(low + shares * (high - low)) @ model.basis
    for model in models:
        if hasattr(model, "projection"):
            return model.projection.typical[None]
    return level.fits.pca.mean[None]
