"""Pixels without a measurement from those with one: the conditional mean under the trained principal components.

A spectrum is taken for mean + Bᵀ z + σ ε, z and ε independent standard normal numbers and σ its own errors. The rows of
B are the components, each times the standard deviation of its score without noise (probabilistic principal components,
Tipping & Bishop 1999, J. R. Stat. Soc. B 61, 611). With A = B / σ over the measured pixels M,

    E(z | f_M) = (1 + A Aᵀ)⁻¹ A (f_M - mean_M) / σ_M,   Cov(z | f_M) = (1 + A Aᵀ)⁻¹.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from gravispec.models.pca import Pca

SMALLEST = 0.1  # of the median error: a pixel with a smaller one weighs no more than with this


def loadings(pca: Pca) -> np.ndarray:
    """B (k, P). The variance beyond the components is taken for noise, of the same variance in every direction."""
    n_components, n_pixels = pca.components.shape
    beyond = (pca.total_variance - pca.explained_variance.sum()) / max(n_pixels - n_components, 1)
    return np.sqrt(np.maximum(pca.explained_variance - max(beyond, 0.0), 0))[:, None] * pca.components


class Reconstruction:
    """Of the pixels of one spectrum that are not measured: ``mean`` (P,), ``loadings`` (k, P), 1σ errors (P,).

    ``measured`` (P,) bool. Called with flux (r, P) it gives their conditional mean (r, F); what flux holds in the F
    pixels that are not measured does not matter, if it is finite.
    """

    def __init__(self, mean, loadings, sigma, measured):
        self.mean, self.missing = mean, np.flatnonzero(~measured)
        sigma = np.asarray(sigma, np.float64)
        self._weight = measured / np.maximum(sigma, SMALLEST * np.median(sigma[measured]))
        self._scaled = loadings * self._weight
        precision = self._scaled @ self._scaled.T
        # rounding must not make it singular where errors are far below the components
        precision[np.diag_indices_from(precision)] += 1 + 1e-12 * precision.diagonal().max(initial=0)
        self._factor = cho_factor(precision, lower=True, check_finite=False)
        self._of_missing = loadings[:, self.missing]

    def scores(self, flux: np.ndarray) -> np.ndarray:
        """(r, k) conditional mean of z for flux (r, P)."""
        return cho_solve(self._factor, self._scaled @ (self._weight * (flux - self.mean)).T, check_finite=False).T

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        return self.mean[self.missing] + self.scores(flux) @ self._of_missing
