"""Baseline ``ridge``: the global Ridge, with alpha by cross-validation, or fixed where ``alphas`` holds one value.

The published baseline at noise level 1 has the fixed penalty alpha = 200: ``fit(..., alphas=[200.0])``. Its ``cv_mse``
is then the cross-validated error at that penalty.
"""

from gravispec.models.ridge import ALPHAS, RidgeFit, ridge_cv

load = RidgeFit.load


def fit(train, val, *, alphas=ALPHAS, n_folds=5, seed):
    """``RidgeFit`` of ``train``, sized chunks of flux X (m, P) and log_g (m,); ``val`` is not looked at."""
    return ridge_cv(train, len(train), alphas=alphas, n_folds=n_folds, seed=seed)
