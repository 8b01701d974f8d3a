"""Family F2 ``ridge``: log g as predicted by the global Ridge; also what a tower corrects.

``in_sample``: the one fit to all training stars, applied to every star. It has seen the training stars, so it is better
on them than on any other (the published behaviour). ``cross_fit``: each training star is predicted by the fit of the
cross-validation that left its fold out; every other star by the fit to all.
"""

import numpy as np

from gravispec.models.ridge import FoldFits, RidgeFit

DEFINITION = "log g predicted by the Ridge on all pixels, alpha by cross-validation"
UNIT = "dex"
NAMES = ("log_g",)


def features(flux: np.ndarray, trained: np.ndarray, ridge: RidgeFit, ridge_folds: FoldFits, mode: str) -> np.ndarray:
    """(m, 1) from flux (m, P) and the row of each star among the training stars (m,), -1 elsewhere."""
    predicted = ridge.first().predict(flux)
    if mode == "cross_fit":
        seen = trained >= 0
        if seen.any():  # spectra that nothing was trained on come without the folds
            predicted[seen] = ridge_folds.predict(flux[seen], trained[seen])
    return predicted[:, None]
