"""Likelihood of model spectra for one star, with what else is in its flux marginalised (method.md section 7).

For a star with flux f, weights w = 1/σ² and the model spectrum m(θ), of which products O_k m with factors c_k make up
the flux, O_0 = 1 with a flat prior on c_0 and the others normal, of mean â μ and covariance â² T,

    ln p(f | θ) = ½ (b + Λ â μ)ᵀ (G + Λ)⁻¹ (b + Λ â μ) - ½ â² μᵀ Λ μ - ½ ln |G + Λ| + ½ ln |Λ₊|,
    b_k = Σ w f O_k m,   G_kl = Σ w O_k m O_l m,   Λ = (â² T)⁻¹, 0 for c_0,   â = Σ w f m / Σ w m².

Pixels without a measurement have w = 0.
"""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.blas import dsyrk

from gravispec.spectra.nuisances import MOST


class Likelihood:
    """ln of the likelihood of models c (n, K), of one star, with the factors of their products marginalised.

    products (P, L (K + 1)) : of the basis, and what each adds; centre (L - 1,), covariance : of the prior of factors
    smooth (P, R) : functions of which a sum with normal factors is in the flux, too, one more noise
    """

    def __init__(self, products, flux, sigma, centre, covariance, error_factor=0.0, smooth=None):
        flux, root = np.asarray(flux, np.float64), 1 / np.asarray(sigma, np.float64)
        self.L, self.n_pixels = len(centre) + 1, np.count_nonzero(root)
        self.power = np.sum((root * flux) ** 2)
        self.linear = (root**2 * flux) @ products  # (L K,)
        square = dsyrk(1.0, products * root[:, None], trans=1)
        self.square = square + np.triu(square, 1).T
        if smooth is not None:  # Woodbury's identity
            weighted = smooth * (root**2)[:, None]
            triangle = np.linalg.cholesky(np.eye(smooth.shape[1]) + smooth.T @ weighted)
            of_flux, of_products = (solve_triangular(triangle, weighted.T @ of, lower=True) for of in (flux, products))
            self.power -= of_flux @ of_flux
            self.linear -= of_flux @ of_products
            self.square -= of_products.T @ of_products
        self.centre = np.concatenate([[0], centre])
        self.precision = np.zeros((self.L, self.L))
        self.precision[1:, 1:] = np.linalg.inv(covariance)  # of nothing, where there is the amplitude alone
        self.log_precision = np.linalg.slogdet(self.precision[1:, 1:])[1]
        self.limits = 2 * MOST * error_factor
        self.scale = 1.0

    def __call__(self, c):
        """(n,) of models c (n, K)."""
        terms = self._terms(c)
        if self.limits:  # by the best of them, which is better known than any prior says
            chi2 = self.power - 2 * self._solved(*terms)[1].max()
            self.scale = np.exp(np.clip(np.log(max(chi2, 1e-9) / self.n_pixels), -self.limits, self.limits))
        return self._solved(*terms)[0]

    def gain(self, c):
        """Half of what the best of these models takes off χ²."""
        return self._solved(*self._terms(c))[1].max()

    def misfit(self, c):
        """(χ² of the best of these models - pixels) / √(2 pixels), with the errors as they were given."""
        self.scale = 1.0
        return (self.power - 2 * self.gain(c) - self.n_pixels) / np.sqrt(2 * self.n_pixels)

    def _terms(self, c):
        """b (n, L) and G (n, L, L)."""
        c = np.hstack([c, np.ones((len(c), 1), c.dtype)])
        n, K = c.shape
        linear, square = self.linear.astype(c.dtype).reshape(self.L, K), self.square.astype(c.dtype)
        b, G = c @ linear.T, np.empty((n, self.L, self.L))
        for k in range(self.L):
            rows = (c @ square[k * K : (k + 1) * K, k * K :]).reshape(n, self.L - k, K)
            G[:, k, k:] = G[:, k:, k] = np.einsum("nlk,nk->nl", rows, c)
        return b.astype(np.float64), G

    def _solved(self, b, G):
        """ln of the likelihood, and half of what the best factors take off χ² or the penalty of their prior."""
        b, G = b / self.scale, G / self.scale
        if self.L == 1:
            gain = 0.5 * b[:, 0] ** 2 / G[:, 0, 0]
            return gain - 0.5 * np.log(G[:, 0, 0]), gain * self.scale
        amplitude = b[:, 0] / G[:, 0, 0]
        precision = self.precision / amplitude[:, None, None] ** 2
        pull = np.einsum("nkl,l->nk", precision, self.centre) * amplitude[:, None]
        G, b = G + precision, b + pull
        gain = 0.5 * np.einsum("nk,nk->n", b, np.linalg.solve(G, b[:, :, None])[:, :, 0])
        gain -= 0.5 * self.centre @ self.precision @ self.centre
        log_prior = 0.5 * self.log_precision - (self.L - 1) * np.log(np.abs(amplitude))
        return gain - 0.5 * np.linalg.slogdet(G)[1] + log_prior, gain * self.scale
