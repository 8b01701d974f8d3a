"""One Ridge on all pixels for all stars, its penalty by cross-validation, or fixed as the published one is."""

from dataclasses import dataclass

import numpy as np

from gravispec.labels import LABELS
from gravispec.models.model import Model
from gravispec.models.ridge import ridge_cv
from gravispec.options import NotNegative


@dataclass
class GlobalRidge(Model):
    """coef (P, T), intercept (T,), of as many labels as it predicts."""

    coef: np.ndarray
    intercept: np.ndarray

    def predict(self, flux):
        """Labels of flux (m, P)."""
        found = np.asarray(flux, np.float64) @ self.coef + self.intercept
        return {label: found[:, t] for t, label in enumerate(LABELS)}


def fit(flux, labels, ridge, *, alpha: NotNegative = 0.0, seed):
    """``GlobalRidge``: the global Ridge of the workflow, or with ``alpha`` above 0 one of that penalty.

    The published baseline at noise level 1 has alpha = 200.
    """
    if alpha:
        chunks = flux.train.with_labels(labels.train)
        ridge = ridge_cv(chunks, len(labels.train), alphas=[alpha], seed=seed)
    penalty = np.atleast_1d(ridge.alpha)[0]
    model = GlobalRidge(ridge.coef, ridge.intercept)
    model.about = {"alpha": float(penalty), "n": ridge.n}
    return model
