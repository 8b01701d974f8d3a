"""Ridge regression with unpenalised intercept; the penalty alpha is chosen by exact K-fold cross-validation.

    min over w, c:  Σᵢ (yᵢ - c - xᵢ·w)² + alpha |w|²    =>    (A + alpha I) w = b,   c = ȳ - x̄·w
    A = Σ (x - x̄)(x - x̄)ᵀ,   b = Σ (x - x̄)(y - ȳ)

Memory does not grow with the number of stars n; where n < P pixels the dual form is solved, with the n x n kernel in
the place of A. Several targets share the work; each gets the alpha that suits it best. With a device the work is done
there; fits are NumPy's.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy.linalg.blas import dsymm

from gravispec.data.npz import Record
from gravispec.device import host, like, namespace, on_device
from gravispec.models.moments import Chunks, Moments, checked_chunks, fold_moments, fold_of_row, pool
from gravispec.models.shrinkage import shrinkage_path, solve

ALPHAS = np.logspace(-3, 5, 13)
BLOCK = 512  # columns handled at once, so that temporary arrays stay small


@dataclass
class RidgeFit(Record):
    """y ≈ X @ coef + intercept.

    coef : (P,) float64, or (P, T) for T targets; then intercept and alpha are (T,) and cv_mse (A, T)
    alpha : the chosen one of `alphas` (A,), with the smallest `cv_mse` (A,): mean over folds of the fold's MSE
    n : number of rows of the fit
    """

    coef: np.ndarray
    intercept: float | np.ndarray
    alpha: float | np.ndarray
    alphas: np.ndarray
    cv_mse: np.ndarray
    n: int

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(m, P) -> (m,) float64, or (m, T). X may be a tensor."""
        xp = namespace(X)
        return host(xp.asarray(X, dtype=xp.float64) @ like(self.coef, X)) + self.intercept

    def first(self) -> "RidgeFit":
        """The fit of the first target alone: log g, as the pipeline orders its labels."""
        if self.coef.ndim == 1:
            return self
        intercept, alpha = float(self.intercept[0]), float(self.alpha[0])
        return RidgeFit(self.coef[:, 0].copy(), intercept, alpha, self.alphas, self.cv_mse[:, 0].copy(), self.n)

    def __str__(self) -> str:
        return f"alpha {self.alpha:g}, CV MSE {self.cv_mse.min():.4f}"


@dataclass
class FoldFits(Record):
    """The K fits that cross-validation made at the chosen alpha: the one of fold k has not seen the rows of fold k.

    coef : (K, P) float64, of the first target
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


def ridge_cv(
    chunks: Chunks,
    n_rows: int,
    *,
    alphas: Sequence[float] = ALPHAS,
    n_folds: int = 5,
    seed: int,
    device: str | None = None,
) -> RidgeFit:
    """Fit n_rows rows that come in chunks, of any size, of X (m, P) flux and y, one target (m,) or several (m, T).

    Folds are those of KFold(n_folds, shuffle=True, random_state=seed) on the rows in the order given, and the result is
    that of scikit-learn's GridSearchCV(Ridge(), {"alpha": alphas}, scoring="neg_mean_squared_error", cv=folds).
    Warns when alpha is at an end of the grid. InputError for fewer rows than folds, values that are not finite, lengths
    that do not match.
    """
    alphas = np.asarray(alphas, dtype=float)
    fold = fold_of_row(n_rows, n_folds, seed)
    chunks = iter(chunks)
    first = next(chunks, (np.empty((0, 0)), np.empty(0)))
    n_pixels = first[0].shape[1]
    chunks = chain([first], chunks)
    if n_rows < n_pixels:
        return _ridge_dual(*_gather(chunks, n_rows, device), fold, alphas)
    return ridge_from_moments(fold_moments(chunks, n_rows, n_folds=n_folds, seed=seed, device=device), alphas=alphas)


def ridge_from_moments(folds: Sequence[Moments], *, alphas: Sequence[float] = ALPHAS) -> RidgeFit:
    """The same fit from the moments of each fold, in the primal form (right for any n, meant for n ≥ P)."""
    return cross_fit_from_moments(folds, np.empty(0, int), alphas=alphas)[0]


def cross_fit_from_moments(
    folds: Sequence[Moments], fold: np.ndarray, *, alphas: Sequence[float] = ALPHAS
) -> tuple[RidgeFit, FoldFits]:
    """The same fit with those that leave one fold out, for the first target at its alpha.

    fold (n,) int is the fold of each row (``fold_of_row``).
    """
    alphas = np.asarray(alphas, dtype=float)
    mse, paths, means = [], [], []
    for k, held_out in enumerate(folds):
        mean_x, mean_y, A, B = _normal_equations([part for j, part in enumerate(folds) if j != k])
        path = shrinkage_path(A, B, alphas)
        del A  # before the scatter of the held-out rows takes as much
        mse.append(_held_out_mse(held_out, mean_x, mean_y, path))
        paths.append(np.array(host(path[:, :, 0])))
        means.append((host(mean_x), host(mean_y)))
    mse = np.mean(mse, axis=0)
    alpha = _best_alphas(alphas, mse)

    coefs = np.stack([path[:, alphas == alpha[0]][:, 0] for path in paths])  # (K, P)
    intercepts = np.array([mean_y[0] - mean_x @ coef for (mean_x, mean_y), coef in zip(means, coefs, strict=True)])
    union = pool(folds)
    coef = _solutions(lambda: union.scatter, union.xy, alpha)
    intercept = host(union.mean_y) - host(union.mean_x) @ coef
    return _fit(coef, intercept, alpha, alphas, mse, union.n), FoldFits(coefs, intercepts, fold)


def _normal_equations(parts: Sequence[Moments]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of the union of parts: means (P,) and (T,), A (P, P) with its lower triangle alone, B (P, T)."""
    union = pool(parts)
    return union.mean_x, union.mean_y, union.scatter, union.xy


def _solutions(system: Callable[[], np.ndarray], B: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(P, T): column t is (A + alpha[t] I)⁻¹ B[:, t]; system() is A, in Fortran order, made anew for every alpha."""
    W = np.empty(B.shape)
    for value in np.unique(alpha):
        same = np.flatnonzero(alpha == value)
        W[:, same] = host(solve(system(), B[:, same.tolist()], value))
    return W


def _fit(coef, intercept, alpha, alphas, cv_mse, n) -> RidgeFit:
    """From arrays whose last axis is the target; without that axis where there is one target."""
    if coef.shape[1] == 1:
        coef, intercept, alpha, cv_mse = coef[:, 0], float(intercept[0]), float(alpha[0]), cv_mse[:, 0]
    return RidgeFit(coef, intercept, alpha, alphas, cv_mse, n)


def _held_out_mse(held_out: Moments, mean_x: np.ndarray, mean_y: np.ndarray, W: np.ndarray) -> np.ndarray:
    """(A, T): MSE on the held-out rows of the fits W (P, A, T), centred on mean_x (P,), mean_y (T,) of the others.

    With S the scatter of the n held-out rows, the residual of a row is y - mean_y - w·(x - mean_x), so
    Σ residual² = Syy - 2 w·Sxy + wᵀ Sxx w + n (residual of the mean row)².
    """
    xp, flat = namespace(W), W.reshape(len(W), -1)
    SW = dsymm(1.0, held_out.scatter, flat, lower=1) if xp is np else held_out.xx @ flat
    spread = held_out.yy.diagonal() + xp.einsum("pat,pat->at", W, SW.reshape(W.shape) - 2 * held_out.xy[:, None])
    of_mean = held_out.mean_y - mean_y - ((held_out.mean_x - mean_x) @ flat).reshape(W.shape[1:])
    return host(spread / held_out.n + of_mean**2)


def _ridge_dual(X: np.ndarray, Y: np.ndarray, fold: np.ndarray, alphas: np.ndarray) -> RidgeFit:
    """The fit of X (n, P), Y (n, T) with n < P: W = Xᵀ C with (K + alpha I) C = Y, K = X Xᵀ, X and Y centred."""
    xp = namespace(X)
    mean = X.mean(axis=0, dtype=xp.float64)
    blocks = [slice(j, j + BLOCK) for j in range(0, len(mean), BLOCK)]
    K = like(np.zeros((len(Y), len(Y))), X)
    for pixels in blocks:
        centred = X[:, pixels] - mean[pixels]
        K += centred @ centred.T

    mse = np.stack([_held_out_mse_dual(K, Y, fold == k, alphas) for k in range(fold.max() + 1)])
    alpha = _best_alphas(alphas, mse.mean(axis=0))

    C = like(_solutions(lambda: xp.asarray(K, copy=True).T, like(Y - Y.mean(axis=0), K), alpha), K)
    coef = np.concatenate([host((X[:, pixels] - mean[pixels]).T @ C) for pixels in blocks])
    return _fit(coef, Y.mean(axis=0) - host(mean) @ coef, alpha, alphas, mse.mean(axis=0), len(Y))


def _held_out_mse_dual(K: np.ndarray, Y: np.ndarray, held_out: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(A, T): MSE on the rows held_out (n,) bool of the fits to the others, from the kernel K (n, n)."""
    train, test = (like(np.flatnonzero(rows), K) for rows in (~held_out, held_out))
    Y = like(Y, K)
    centred = K[train[:, None], train]
    row_mean = centred.mean(axis=0)
    # (xₛ - x̄)·(xₜ - x̄) = Kₛₜ - K̄ₛ - K̄ₜ + K̄̄ with x̄ the mean of the training rows
    centred -= row_mean[:, None] + row_mean - row_mean.mean()
    mean = Y[train].mean(axis=0)
    C = shrinkage_path(centred.T, Y[train] - mean, alphas)  # (n, A, T)
    # Σ c = 0, so what is the same for all t drops out of Σₜ cₜ (xₛ - x̄)·(xₜ - x̄).
    predicted = mean + ((K[test[:, None], train] - row_mean) @ C.reshape(len(C), -1)).reshape(-1, *C.shape[1:])
    return host(((Y[test, None] - predicted) ** 2).mean(axis=0))


def _gather(chunks: Chunks, n_rows: int, device: str | None) -> tuple[np.ndarray, np.ndarray]:
    """All rows at once: X (n, P) in the type of the chunks, Y (n, T) float64."""
    parts = list(checked_chunks(chunks, n_rows))
    Y = np.concatenate([y for _, y in parts]).astype(float)
    X = [rows for rows, _ in parts]
    return on_device(namespace(X[0]).concatenate(X), device), Y.reshape(n_rows, -1)


def _best_alphas(alphas: np.ndarray, cv_mse: np.ndarray) -> np.ndarray:
    """(T,): the alpha of least cv_mse (A, T), the first if several; a warning if the least may lie outside the grid."""
    best = alphas[np.argmin(cv_mse, axis=0)]
    for alpha in np.unique(best):
        if len(alphas) > 1 and alpha in (alphas.min(), alphas.max()):
            warnings.warn(
                f"alpha = {alpha:g} is at the edge of its grid {alphas.min():g} ... {alphas.max():g}: widen the grid",
                stacklevel=2,
            )
    return best
