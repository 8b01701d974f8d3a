"""First and second moments of (targets, spectrum) rows, per cross-validation fold, in one pass over the data.

They are all that Ridge regression and PCA need, and their size does not depend on the number of stars.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dsfrk, dtfttr, dtrttf

from gravispec.data.npz import Record
from gravispec.device import host, like, namespace, on_device
from gravispec.errors import InputError

Chunks = Iterable[tuple[np.ndarray, np.ndarray]]
BLOCK = 2048  # rows that are summed at once: enough for a fast matrix product, 64 MB of float64 at 4096 pixels


@dataclass
class Moments(Record):
    """Count, means and centred second moments of rows (x, y): P pixels and T targets.

    n : number of rows
    mean_x, mean_y : (P,), (T,) float64
    xx : (P (P + 1) / 2,) float64, the lower triangle of Σ (x - x̄)(x - x̄)ᵀ in LAPACK's rectangular full packed format,
        half the memory at the speed of full matrices (Gustavson et al. 2010, ACM Trans. Math. Softw. 37, 18)
    xy, yy : (P, T), (T, T), the same for pixels and targets, and for targets

    On a GPU all are tensors there, and xx is the whole matrix (P, P).
    Products are of centred float64 rows: float32 products of raw flux lose the small eigenvalues, and with them the
    meaning of a small alpha.
    """

    n: int
    mean_x: np.ndarray
    mean_y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    @classmethod
    def empty(cls, n_pixels: int, n_targets: int = 1, *, device: str | None = None) -> "Moments":
        P, T = n_pixels, n_targets
        shapes = (P,), (T,), (P * (P + 1) // 2,) if device is None else (P, P), (P, T), (T, T)
        return cls(0, *(on_device(np.zeros(shape), device) for shape in shapes))

    def on(self, device: str | None) -> "Moments":
        """The same on another device, None for NumPy."""
        if device is None and namespace(self.xx) is np:
            return self
        scatter = host(self.scatter)
        if namespace(self.xx) is np:
            scatter = np.tril(scatter) + np.tril(scatter, -1).T
        xx = dtrttf(scatter, uplo="L")[0] if device is None else scatter
        arrays = (self.mean_x, self.mean_y, xx, self.xy, self.yy)
        return Moments(self.n, *(on_device(host(array), device) for array in arrays))

    @property
    def scatter(self) -> np.ndarray:
        """(P, P) Σ (x - x̄)(x - x̄)ᵀ, a new array; NumPy's is in Fortran order and has the lower triangle alone."""
        if namespace(self.xx) is np:
            return dtfttr(len(self.mean_x), self.xx, uplo="L")[0]
        return self.xx.clone()

    def add(self, X: np.ndarray, Y: np.ndarray) -> None:
        """Take in rows X (m, P), Y (m, T), in place. Chan, Golub & LeVeque 1983, Am. Stat. 37, 242."""
        m = len(X)
        if m == 0:
            return
        # S += Σ (z - mean)(z - mean)ᵀ + n m / (n + m) · shift shiftᵀ; the last term is one more row of the product.
        weight = float(np.sqrt(self.n * m / (self.n + m)))
        xp, blocks = namespace(self.xx), []
        for rows, mean in ((X, self.mean_x), (Y, self.mean_y)):
            block = xp.empty((m + 1, len(mean)), dtype=xp.float64, device=mean.device)
            block[:m] = like(rows, mean)
            shift = block[:m].mean(axis=0) - mean
            block[:m] -= mean + shift
            block[m] = weight * shift
            mean += shift * (m / (self.n + m))
            blocks.append(block)
        self._add_products(*blocks)
        self.n += m

    def _add_products(self, X: np.ndarray, Y: np.ndarray) -> None:
        if namespace(X) is np:
            self.xx = dsfrk(X.shape[1], len(X), 1.0, X.T, 1.0, self.xx, uplo="L", overwrite_c=True)
        else:
            self.xx.addmm_(X.T, X)
        self.xy += X.T @ Y
        self.yy += Y.T @ Y


def pool(parts: Sequence[Moments]) -> Moments:
    """Moments of the union of disjoint parts: S = Σₖ Sₖ + Σₖ nₖ (meanₖ - mean)(meanₖ - mean)ᵀ."""
    n, xp = sum(part.n for part in parts), namespace(parts[0].xx)
    mean_x, mean_y = (sum(part.n * getattr(part, mean) for part in parts) / n for mean in ("mean_x", "mean_y"))
    union = Moments(n, mean_x, mean_y, *(xp.asarray(getattr(parts[0], sums), copy=True) for sums in ("xx", "xy", "yy")))
    for part in parts[1:]:
        union.xx += part.xx
        union.xy += part.xy
        union.yy += part.yy
    weight = like(np.sqrt([[part.n] for part in parts]), mean_x)
    union._add_products(
        weight * xp.stack([part.mean_x - mean_x for part in parts]),
        weight * xp.stack([part.mean_y - mean_y for part in parts]),
    )
    return union


def fold_of_row(n_rows: int, n_folds: int, seed: int) -> np.ndarray:
    """(n_rows,) int: the fold that holds each row out, as in KFold(n_folds, shuffle=True, random_state=seed)."""
    if not 2 <= n_folds <= n_rows:
        raise InputError(f"{n_rows} stars in {n_folds} folds: give at least 2 folds and a star for each")
    # not by scikit-learn itself: its import is 1 s and 130 MB of a job that needs nothing else of it
    shuffled = np.random.RandomState(seed).permutation(n_rows)
    fold = np.empty(n_rows, dtype=int)
    for k, held_out in enumerate(np.array_split(shuffled, n_folds)):
        fold[held_out] = k
    return fold


def checked_chunks(chunks: Chunks, n_rows: int) -> Chunks:
    """Yield each chunk X (m, P), y (m,) or (m, T) once it is checked. X may be a tensor.

    Raises InputError for unequal lengths, a changing number of pixels, a value that is not finite, or other than n_rows
    rows in all.
    """
    n_seen, n_pixels = 0, None
    for X, y in chunks:
        n_pixels = X.shape[1] if n_pixels is None else n_pixels
        if X.shape != (len(y), n_pixels):
            raise InputError(f"rows from {n_seen}: flux {X.shape} where {(len(y), n_pixels)} is due, a row a target")
        finite_y = np.isfinite(y if y.ndim == 2 else y[:, None]).all(axis=1)
        finite_X = host(namespace(X).isfinite(X).all(axis=1))
        if not (finite_y & finite_X).all():
            i = int(np.argmin(finite_y & finite_X))
            what = f"flux in pixel {np.argmin(np.isfinite(host(X[i])))}" if finite_y[i] else "target"
            raise InputError(f"row {n_seen + i} (counted from 0): {what} is not finite; repair or drop this star")
        n_seen += len(y)
        if n_seen > n_rows:
            break
        yield X, y
    if n_seen != n_rows:
        raise InputError(f"{n_seen} rows came where {n_rows} were announced")


def fold_moments(chunks: Chunks, n_rows: int, *, n_folds: int, seed: int, device: str | None = None) -> list[Moments]:
    """Moments of each of the n_folds folds from one pass over chunks of X (m, P) flux and y (m,) or (m, T) targets.

    Memory is n_folds · 4 P² bytes and a few blocks of rows. The sums run over blocks of BLOCK rows whatever the
    size of the chunks, so that they do not depend on it.
    """
    return _moments(chunks, n_rows, fold_of_row(n_rows, n_folds, seed), n_folds, device)


def moments_of(chunks: Chunks, n_rows: int, *, device: str | None = None) -> Moments:
    """Moments of all rows of the chunks, in the same way: a job may take one fold, and leave the others to others."""
    return _moments(chunks, n_rows, np.zeros(n_rows, int), 1, device)[0]


def _moments(chunks: Chunks, n_rows: int, fold: np.ndarray, n_folds: int, device: str | None) -> list[Moments]:
    folds: list[Moments] = []
    start = 0
    for X, y in _regrouped(checked_chunks(chunks, n_rows), BLOCK):
        X, y = on_device(X, device), y if y.ndim == 2 else y[:, None]
        folds = folds or [Moments.empty(X.shape[1], y.shape[1], device=device) for _ in range(n_folds)]
        for k, moments in enumerate(folds):
            rows = np.flatnonzero(fold[start : start + len(y)] == k)
            moments.add(X[like(rows, X)], y[rows])
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
    X = [rows for rows, _ in chunks]
    return namespace(X[0]).concatenate(X), np.concatenate([y for _, y in chunks])
