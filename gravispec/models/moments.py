"""First and second moments of (targets, spectrum) rows, per cross-validation fold, in one pass over the data.

They are all that Ridge regression and PCA need, and their size does not depend on the number of stars.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dsyrk
from sklearn.model_selection import KFold

from gravispec.errors import InputError

Chunks = Iterable[tuple[np.ndarray, np.ndarray]]
BLOCK = 2048  # rows that are summed at once: enough for a fast matrix product, 64 MB of float64 at 4096 pixels


@dataclass
class Moments:
    """Count, mean and scatter of rows z = (y, x): the T targets first, then the P pixels; D = T + P.

    n : number of rows
    n_targets : T
    mean : (D,) float64
    scatter : (D, D) float64, Fortran order, Σ (z - mean)(z - mean)ᵀ, lower triangle only

    Products are of centred float64 rows: float32 products of raw flux lose the small eigenvalues, and with them the
    meaning of a small alpha.
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray
    n_targets: int = 1

    @classmethod
    def empty(cls, n_pixels: int, n_targets: int = 1) -> "Moments":
        size = n_targets + n_pixels
        return cls(0, np.zeros(size), np.zeros((size, size), order="F"), n_targets)

    def add(self, rows: np.ndarray) -> None:
        """Take in rows (m, D), in place. Chan, Golub & LeVeque 1983, Am. Stat. 37, 242."""
        m = len(rows)
        if m == 0:
            return
        mean = rows.mean(axis=0)
        shift = mean - self.mean
        # S += Σ (z - mean)(z - mean)ᵀ + n m / (n + m) · shift shiftᵀ; the last term is one more row of the product.
        block = np.vstack([rows - mean, np.sqrt(self.n * m / (self.n + m)) * shift])
        self.scatter = dsyrk(1.0, block.T, beta=1.0, c=self.scatter, lower=1, overwrite_c=1)
        self.mean += shift * (m / (self.n + m))
        self.n += m


def pool(parts: Sequence[Moments]) -> Moments:
    """Moments of the union of disjoint parts: S = Σₖ Sₖ + Σₖ nₖ (meanₖ - mean)(meanₖ - mean)ᵀ."""
    n = sum(part.n for part in parts)
    mean = sum(part.n * part.mean for part in parts) / n
    scatter = parts[0].scatter.copy(order="F")
    for part in parts[1:]:
        scatter += part.scatter
    between = np.stack([np.sqrt(part.n) * (part.mean - mean) for part in parts])
    scatter = dsyrk(1.0, between.T, beta=1.0, c=scatter, lower=1, overwrite_c=1)
    return Moments(n, mean, scatter, parts[0].n_targets)


def fold_of_row(n_rows: int, n_folds: int, seed: int) -> np.ndarray:
    """(n_rows,) int: the fold that holds each row out, as in KFold(n_folds, shuffle=True, random_state=seed)."""
    if not 2 <= n_folds <= n_rows:
        raise InputError(f"{n_rows} stars in {n_folds} folds: give at least 2 folds and a star for each")
    fold = np.empty(n_rows, dtype=int)
    splits = KFold(n_folds, shuffle=True, random_state=seed).split(np.empty(n_rows))
    for k, (_, held_out) in enumerate(splits):
        fold[held_out] = k
    return fold


def checked_chunks(chunks: Chunks, n_rows: int) -> Chunks:
    """Yield each chunk X (m, P), y (m,) or (m, T) once it is checked.

    Raises InputError for unequal lengths, a changing number of pixels, a value that is not finite, or other than n_rows
    rows in all.
    """
    n_seen, n_pixels = 0, None
    for X, y in chunks:
        n_pixels = X.shape[1] if n_pixels is None else n_pixels
        if X.shape != (len(y), n_pixels):
            raise InputError(f"rows from {n_seen}: flux {X.shape} where {(len(y), n_pixels)} is due, a row a target")
        finite_y = np.isfinite(y if y.ndim == 2 else y[:, None]).all(axis=1)
        finite_X = np.isfinite(X).all(axis=1)
        if not (finite_y & finite_X).all():
            i = int(np.argmin(finite_y & finite_X))
            what = f"flux in pixel {np.argmin(np.isfinite(X[i]))}" if finite_y[i] else "target"
            raise InputError(f"row {n_seen + i} (counted from 0): {what} is not finite; repair or drop this star")
        n_seen += len(y)
        if n_seen > n_rows:
            break
        yield X, y
    if n_seen != n_rows:
        raise InputError(f"{n_seen} rows came where {n_rows} were announced")


def fold_moments(chunks: Chunks, n_rows: int, *, n_folds: int, seed: int) -> list[Moments]:
    """Moments of each of the n_folds folds from one pass over chunks of X (m, P) flux and y (m,) or (m, T) targets.

    Memory is n_folds · 8 (T + P)² bytes and a few blocks of rows. The sums run over blocks of BLOCK rows whatever the
    size of the chunks, so that they do not depend on it.
    """
    return _moments(chunks, n_rows, fold_of_row(n_rows, n_folds, seed), n_folds)


def moments_of(chunks: Chunks, n_rows: int) -> Moments:
    """Moments of all rows of the chunks, in the same way: a job may take one fold, and leave the others to others."""
    return _moments(chunks, n_rows, np.zeros(n_rows, int), 1)[0]


def _moments(chunks: Chunks, n_rows: int, fold: np.ndarray, n_folds: int) -> list[Moments]:
    folds: list[Moments] = []
    start = 0
    for X, y in _regrouped(checked_chunks(chunks, n_rows), BLOCK):
        y = y if y.ndim == 2 else y[:, None]
        folds = folds or [Moments.empty(X.shape[1], y.shape[1]) for _ in range(n_folds)]
        for k, moments in enumerate(folds):
            rows = fold[start : start + len(y)] == k
            moments.add(np.column_stack([y[rows], X[rows]]).astype(float, copy=False))
        start += len(y)
    return folds


def _regrouped(chunks: Chunks, size: int) -> Chunks:
    """The same rows in chunks of `size`, the last one shorter."""
    held, n_held = [], 0
    for chunk in chunks:
        held.append(chunk)
        n_held += len(chunk[1])
        while n_held >= size:
            X, y = _joined(held)
            yield X[:size], y[:size]
            held, n_held = [(X[size:], y[size:])], n_held - size
    if n_held:
        yield _joined(held)


def _joined(chunks: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if len(chunks) == 1:
        return chunks[0]
    return np.concatenate([X for X, _ in chunks]), np.concatenate([y for _, y in chunks])
