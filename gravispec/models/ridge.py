"""Ridge regression with unpenalised intercept; the penalty alpha is chosen by exact K-fold cross-validation.

    min over w, c:  Σᵢ (yᵢ - c - xᵢ·w)² + alpha |w|²    =>    (A + alpha I) w = b,   c = ȳ - x̄·w
    A = Σ (x - x̄)(x - x̄)ᵀ,   b = Σ (x - x̄)(y - ȳ)

One reduction of A to tridiagonal form serves every alpha of a fold (Eldén 1977, BIT 17, 134). Memory does not grow with
the number of stars n; where n < P pixels the dual form is solved, with the n x n kernel in the place of A.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solveh_banded
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dormqr, dsytrd

from gravispec.data.npz import load_npz, save_npz
from gravispec.errors import InputError
from gravispec.models.moments import Chunks, Moments, checked_chunks, fold_moments, fold_of_row, pool

ALPHAS = np.logspace(-3, 5, 13)
BLOCK = 512  # columns handled at once, so that temporary arrays stay small


@dataclass
class RidgeFit:
    """y ≈ X @ coef + intercept.

    coef : (P,) float64
    alpha : the chosen one of `alphas` (A,), with the smallest `cv_mse` (A,): mean over folds of the fold's MSE
    n : number of rows of the fit
    """

    coef: np.ndarray
    intercept: float
    alpha: float
    alphas: np.ndarray
    cv_mse: np.ndarray
    n: int

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(m, P) -> (m,) float64."""
        return X @ self.coef + self.intercept

    def save(self, file: str | Path | BinaryIO) -> None:
        save_npz(file, self)

    @classmethod
    def load(cls, file: str | Path | BinaryIO) -> "RidgeFit":
        return load_npz(file, cls)


@dataclass
class FoldFits:
    """The K fits that cross-validation made at the chosen alpha: the one of fold k has not seen the rows of fold k.

    coef : (K, P) float64
    intercept : (K,)
    fold : (n,) int, the fold that holds out each row of the fit
    """

    coef: np.ndarray
    intercept: np.ndarray
    fold: np.ndarray

    def predict(self, X: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Out-of-fold predictions (m,) float64 of X (m, P), the rows (m,) int of the fit."""
        fold = self.fold[rows]
        predicted = np.empty(len(X))
        for k in np.unique(fold):
            predicted[fold == k] = X[fold == k] @ self.coef[k] + self.intercept[k]
        return predicted

    def save(self, file: str | Path | BinaryIO) -> None:
        save_npz(file, self)


def ridge_cv(
    chunks: Chunks,
    n_rows: int,
    *,
    alphas: Sequence[float] = ALPHAS,
    n_folds: int = 5,
    seed: int,
) -> RidgeFit:
    """Fit n_rows rows that come in chunks of (X (m, P) flux, y (m,) target), of any size.

    Folds are those of KFold(n_folds, shuffle=True, random_state=seed) on the rows in the order given, and the result is
    that of scikit-learn's GridSearchCV(Ridge(), {"alpha": alphas}, scoring="neg_mean_squared_error", cv=folds).
    Warns when alpha is at an end of the grid. InputError for fewer rows than folds, values that are not finite, lengths
    that do not match.
    """
    alphas = _checked_alphas(alphas)
    fold = fold_of_row(n_rows, n_folds, seed)
    chunks = iter(chunks)
    first = next(chunks, (np.empty((0, 0)), np.empty(0)))
    n_pixels = first[0].shape[1]
    chunks = chain([first], chunks)
    if n_rows < n_pixels:
        X, y = _gather(chunks, n_rows)
        return _ridge_dual(X, y, fold, alphas)
    return ridge_from_moments(fold_moments(chunks, n_rows, n_folds=n_folds, seed=seed), alphas=alphas)


def ridge_from_moments(folds: Sequence[Moments], *, alphas: Sequence[float] = ALPHAS) -> RidgeFit:
    """The same fit from the moments of each fold, in the primal form (right for any n, meant for n ≥ P)."""
    return _fits_from_moments(folds, alphas)[0]


def cross_fit_from_moments(
    folds: Sequence[Moments], fold: np.ndarray, *, alphas: Sequence[float] = ALPHAS
) -> tuple[RidgeFit, FoldFits]:
    """The same fit with those that leave one fold out; fold (n,) int is the fold of each row (``fold_of_row``)."""
    fit, coefs, intercepts = _fits_from_moments(folds, alphas)
    return fit, FoldFits(coefs, intercepts, fold)


def _fits_from_moments(folds: Sequence[Moments], alphas: Sequence[float]) -> tuple[RidgeFit, np.ndarray, np.ndarray]:
    """The fit to all rows; coefficients (K, P) and intercepts (K,) of those that leave one fold out, at its alpha."""
    alphas = _checked_alphas(alphas)
    mse = np.empty((len(folds), len(alphas)))
    paths, means = [], []
    for k, held_out in enumerate(folds):
        train = pool([part for j, part in enumerate(folds) if j != k])
        means.append(train.mean)
        paths.append(_shrinkage_path(train.scatter, alphas))
        del train  # before the next one is made
        mse[k] = _held_out_mse(held_out, means[k], paths[k])
    alpha = _best_alpha(alphas, mse.mean(axis=0))

    coefs = np.stack([path[:, alphas == alpha][:, 0] for path in paths])  # (K, P)
    intercepts = np.array([mean[0] - mean[1:] @ coef for mean, coef in zip(means, coefs, strict=True)])
    total = pool(folds)
    mean, A, b = total.mean, total.scatter[1:, 1:].copy(order="F"), total.scatter[1:, 0].copy()
    del total
    coef = _solve(A, b, alpha)
    intercept = float(mean[0] - mean[1:] @ coef)
    fit = RidgeFit(coef, intercept, alpha, alphas, mse.mean(axis=0), sum(m.n for m in folds))
    return fit, coefs, intercepts


def _solve(A: np.ndarray, b: np.ndarray, alpha: float) -> np.ndarray:
    """(A + alpha I)⁻¹ b by Cholesky; A (P, P) is overwritten, its lower triangle read."""
    A[np.diag_indices_from(A)] += alpha
    return cho_solve(cho_factor(A, lower=True, overwrite_a=True, check_finite=False), b)


def _shrinkage_path(bordered: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(P, A): w of (A + alpha I) w = b for every alpha, from [[·, bᵀ], [b, A]] (P + 1, P + 1).

    Householder reflections diag(1, Q) make the whole matrix tridiagonal, in place, from its lower triangle. The first
    turns b into β e₁, so w = Q u with (T + alpha I) u = β e₁, T = Qᵀ A Q: three diagonals for each alpha.
    """
    rounding = 10 * np.finfo(float).eps * np.trace(bordered[1:, 1:])
    if alphas.min() < rounding:
        raise InputError(f"alpha = {alphas.min():g} is lost in rounding: start the grid above {rounding:.1e}")
    reflectors, d, e, tau, _ = dsytrd(bordered, lower=1, lwork=64 * len(bordered), overwrite_a=1)
    u = np.zeros((len(d) - 1, len(alphas)), order="F")
    for a, alpha in enumerate(alphas):
        rhs = np.zeros(len(d) - 1)
        rhs[0] = e[0]
        u[:, a] = solveh_banded([d[1:] + alpha, np.append(e[1:], 0.0)], rhs, lower=True)
    for j in reversed(range(0, len(u), BLOCK)):  # w = H₁ H₂ ... u: the last reflections act first
        V, scale = reflectors[1 + j :, j : min(j + BLOCK, len(u))], tau[j : j + BLOCK]
        u[j:] = dormqr("L", "N", V, scale, u[j:], lwork=64 * BLOCK)[0]
    return u


def _held_out_mse(held_out: Moments, train_mean: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """(A,): MSE on the held-out rows of the fits coef (P, A), centred on train_mean (P + 1,).

    With v = (1, -w) the residual of a row z = (y, x) is v·(z - train_mean), so
    Σ residual² = vᵀ S v + n (v·(mean - train_mean))².
    """
    v = np.vstack([np.ones(coef.shape[1]), -coef])
    spread = np.einsum("da,da->a", v, dsymm(1.0, held_out.scatter, v, lower=1))
    return spread / held_out.n + ((held_out.mean - train_mean) @ v) ** 2


def _ridge_dual(X: np.ndarray, y: np.ndarray, fold: np.ndarray, alphas: np.ndarray) -> RidgeFit:
    """The fit of X (n, P), y (n,) with n < P: w = Xᵀ c with (K + alpha I) c = y, K = X Xᵀ, X and y centred."""
    mean = X.mean(axis=0, dtype=float)
    blocks = [slice(j, j + BLOCK) for j in range(0, len(mean), BLOCK)]
    K = np.zeros((len(y), len(y)))
    for pixels in blocks:
        centred = X[:, pixels] - mean[pixels]
        K += centred @ centred.T

    mse = np.stack([_held_out_mse_dual(K, y, fold == k, alphas) for k in range(fold.max() + 1)])
    alpha = _best_alpha(alphas, mse.mean(axis=0))

    c = _solve(K, y - y.mean(), alpha)
    coef = np.concatenate([(X[:, pixels] - mean[pixels]).T @ c for pixels in blocks])
    return RidgeFit(coef, float(y.mean() - mean @ coef), alpha, alphas, mse.mean(axis=0), len(y))


def _held_out_mse_dual(K: np.ndarray, y: np.ndarray, held_out: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(A,): MSE on the rows held_out (n,) bool of the fits to the others, from the kernel K (n, n)."""
    train = ~held_out
    n = int(train.sum())
    bordered = np.zeros((n + 1, n + 1), order="F")
    bordered[1:, 1:] = K[np.ix_(train, train)]
    row_mean = bordered[1:, 1:].mean(axis=0)
    # (xₛ - x̄)·(xₜ - x̄) = Kₛₜ - K̄ₛ - K̄ₜ + K̄̄ with x̄ the mean of the training rows
    bordered[1:, 1:] -= row_mean[:, None] + row_mean - row_mean.mean()
    y_mean = y[train].mean()
    bordered[1:, 0] = y[train] - y_mean
    c = _shrinkage_path(bordered, alphas)
    # Σ c = 0, so what is the same for all t drops out of Σₜ cₜ (xₛ - x̄)·(xₜ - x̄).
    predicted = y_mean + (K[np.ix_(held_out, train)] - row_mean) @ c
    return np.mean((y[held_out, None] - predicted) ** 2, axis=0)


def _gather(chunks: Chunks, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """All rows at once: X (n, P) in the type of the chunks, y (n,) float64."""
    parts = list(checked_chunks(chunks, n_rows))
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts]).astype(float)


def _checked_alphas(alphas: Sequence[float]) -> np.ndarray:
    alphas = np.asarray(alphas, dtype=float)
    if alphas.ndim != 1 or len(alphas) == 0 or not (np.isfinite(alphas) & (alphas > 0)).all():
        raise InputError(f"alphas = {alphas}: give a list of positive numbers")
    return alphas


def _best_alpha(alphas: np.ndarray, cv_mse: np.ndarray) -> float:
    """The alpha of least cv_mse (the first, if several); a warning if the least may lie outside the grid."""
    alpha = float(alphas[np.argmin(cv_mse)])
    if len(alphas) > 1 and alpha in (alphas.min(), alphas.max()):
        warnings.warn(
            f"alpha = {alpha:g} is at the edge of its grid {alphas.min():g} ... {alphas.max():g}: widen the grid",
            stacklevel=2,
        )
    return alpha
