"""A spectrum in some hundred numbers, in which noise is exactly Gaussian: the space in which a network learns.

w₀, the inverse variance of a typical star, weighs the pixels. V are the first K right singular vectors of
√w₀ · (clean flux / its w₀-weighted mean) of spectra drawn from the prior. Of flux f and its 1σ σ are kept

    z = Vᵀ √w₀ f / a - z̄,    a = Σ w₀ f / Σ w₀,    s = √(Σ w₀ σ² / P) / a,

none of which depends on the unit of flux. Uᵀ = [Vᵀ √w₀; w₀ / Σ w₀] (K + 1, P) is all that is needed of the pixels:
noise of variance σ² on them is, in this space, Gaussian with covariance Uᵀ diag(σ²) U. σ² of every star is a sum of
three spectra (``observing.variance_components``), so its noise is a sum of three draws, each by a triangle that is
the same for all stars.

Sums over the measured pixels alone, a ``View``, leave y = G z + noise of covariance s² G, with G = Vᵀ V over those
pixels. With d the scatter of z among stars, the best guess of z (Wiener) and the share r of its variance that it has:

    ẑ = (G + s² / d²)⁻¹ y,    r = 1 - diag((G / s² + 1 / d²)⁻¹) / d².
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils.extmath import randomized_svd

from gravispec.spectra.observing import error_of

N_BASIS = 10_000  # spectra that the directions are found from


@dataclass(frozen=True)
class Projection:
    """rows : (K + 1, P) float32, Uᵀ; typical : (P,) mean spectrum, whose z is z̄; weight : (P,), w₀ / P."""

    rows: np.ndarray
    typical: np.ndarray
    weight: np.ndarray

    def __call__(self, flux, sigma):
        """z (m, K) and s (m,) of flux and sigma (m, P); z̄ goes before the product, whose rounding it would rule."""
        flux = np.asarray(flux, np.float32)
        amplitude = flux @ self.rows[-1]
        z = (flux / amplitude[:, None] - self.typical) @ self.rows[:-1].T
        return z, self.scale(sigma) / amplitude

    @property
    def mean(self):
        """(K,) z̄."""
        return (self.rows[:-1].astype(np.float64) @ self.typical).astype(np.float32)

    def raw(self, flux):
        """(m, K + 1) of flux (m, P): Vᵀ √w₀ f, then a. Linear in flux, so noise adds to it."""
        return np.asarray(flux, np.float32) @ self.rows.T

    def scale(self, sigma):
        """(m,) √(Σ w₀ σ² / P) of sigma (m, P), in the unit of flux."""
        return np.sqrt(np.square(np.asarray(sigma, np.float32)) @ self.weight)

    def triangles(self, components, smooth=None):
        """(n, K + 1, K + 1) float32 lower triangles L and (n,) Σ w₀ h / P of variances h (n, P).

        Noise of the last is a sum of the functions ``smooth`` (P, R), too, with normal factors.
        """
        rows = self.rows.astype(np.float64)
        found = []
        for i, component in enumerate(components, start=1):
            covariance = (rows * component) @ rows.T
            if smooth is not None and i == len(components):
                projected = rows @ smooth
                covariance += projected @ projected.T
            # directions that are nearly the same up to rounding: the smallest of K + 1 may be negative by 1e-16
            values, vectors = np.linalg.eigh(covariance)
            found.append(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0))).T, mode="r").T)
        return np.stack(found).astype(np.float32), components @ self.weight.astype(np.float64)

    def view(self, measured, spread):
        """``View`` of the pixels ``measured`` (P,) bool; ``spread`` (K,), d."""
        weight = np.where(measured, self.weight, 0) * (measured.size / max(1, np.count_nonzero(measured)))
        by_mean = np.where(measured, self.rows[-1], 0)
        rows = np.vstack([np.where(measured, self.rows[:-1], 0), by_mean / (by_mean @ self.typical)])
        # of all pixels G is the unit matrix, up to rounding
        missing = self.rows[:-1, ~measured].astype(np.float64) / np.sqrt(measured.size * self.weight[~measured])
        square = np.eye(len(spread)) - missing @ missing.T
        values, vectors = np.linalg.eigh(spread[:, None] * square * spread)
        return View(rows, self.typical, weight, spread, np.maximum(values, 0), vectors, square, measured)


@dataclass(frozen=True)
class View(Projection):
    """The projection by the ``measured`` pixels alone; rows and weight are 0 elsewhere.

    spread : (K,) d; values (K,), vectors (K, K) : of the eigenvalue problem of d G d; square (K, K) : G
    """

    spread: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    square: np.ndarray
    measured: np.ndarray

    def filled(self, y, s):
        """ẑ and r (m, K) of y (m, K) and s (m,)."""
        return wiener(y, s, self.values, self.vectors, self.spread)

    def noise(self, flux, z, r, smooth=None):
        """(m,) √(Σ w₀ σ² / n) / a as the flux itself has it, from what ẑ leaves of the n measured pixels.

        ``smooth`` (P, R): functions of which a sum is fitted and taken out first.
        """
        n = np.count_nonzero(self.measured)
        amplitude = np.asarray(flux, np.float32) @ self.rows[-1]
        # in double precision, because most of its square cancels
        left = flux.astype(np.float64) / amplitude[:, None] - self.typical
        y = left @ self.rows[:-1].T.astype(np.float64)
        power = np.square(left) @ self.weight * n
        power += np.einsum("mk,kl,ml->m", z, self.square, z, optimize=True) - 2 * np.einsum("mk,mk->m", z, y)
        if smooth is not None:
            root = np.sqrt(self.weight * n)[:, None]
            functions = np.linalg.qr(root * smooth)[0]
            by_vectors = self.rows[:-1] @ np.divide(functions, root, where=root > 0, out=np.zeros_like(functions))
            power -= np.square((left @ (root * functions)) - z @ by_vectors).sum(axis=1)
            n -= smooth.shape[1]
        return np.sqrt(np.maximum(power, 0) / np.maximum(n - r.sum(axis=1), 1))


def wiener(y, s, values, vectors, spread):
    """ẑ and r (m, K) of y (m, K) and s (m,), with the fields of a ``View``; arrays or tensors."""
    inverse = 1 / (values + s[:, None] ** 2)
    z = ((y * spread) @ vectors * inverse) @ vectors.T * spread
    return z, (values * inverse) @ vectors.T**2


def fit_projection(spectra, n, wave, size):
    """``Projection`` on ``size`` directions from n clean spectra, and the standard deviations (size,) of their z.

    spectra : blocks of flux (m, P) and error parameters (m, 2)
    """
    flux, parameters = np.empty((n, len(wave)), np.float32), np.empty((n, 2))
    row = 0
    for block, of_errors in spectra:
        flux[row : row + len(block)], parameters[row : row + len(block)] = block, of_errors
        row += len(block)
    weight = error_of(wave, np.median(parameters, axis=0)[None])[0].astype(np.float64) ** -2.0
    by_mean = (weight / weight.sum()).astype(np.float32)
    flux /= (flux @ by_mean)[:, None]
    typical = flux.mean(axis=0, dtype=np.float64).astype(np.float32)
    flux *= np.sqrt(weight).astype(np.float32)
    directions = randomized_svd(flux, size, n_iter=2, random_state=0)[2]
    rows = np.vstack([directions * np.sqrt(weight), by_mean]).astype(np.float32)
    spread = (flux @ directions.T).std(axis=0, dtype=np.float64)
    return Projection(rows, typical, (weight / len(wave)).astype(np.float32)), spread
