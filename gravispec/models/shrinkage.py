"""Solutions W of (A + alpha I) W = B for many penalties alpha at the cost of little more than one.

One orthogonal reduction of A to a band serves every alpha and every column of B (Eldén 1977, BIT 17, 134, with three
diagonals). A band, not a tridiagonal matrix, because its reduction is matrix products alone, and a tridiagonal one half
matrix times vector, which memory holds up (Bischof, Lang & Sun 2000, ACM Trans. Math. Softw. 26, 581).

Tensors on a GPU are factorised for every alpha anew, by Cholesky: arithmetic is cheap there, and small steps are not.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solveh_banded
from scipy.linalg.lapack import dgeqrt
from threadpoolctl import threadpool_info, threadpool_limits

from gravispec.device import namespace
from gravispec.errors import InputError

BAND = 128  # diagonals below the main one: wide enough for fast products, narrow enough for cheap solutions
TILE = 256  # columns of A handled at once, so that temporary arrays stay small and the upper triangle untouched


def solve(A: np.ndarray, B: np.ndarray, alpha: float) -> np.ndarray:
    """(P, T): (A + alpha I)⁻¹ B by Cholesky; A (P, P), Fortran order, is overwritten, its lower triangle read.

    A and B may be tensors.
    """
    xp = namespace(A)
    if xp is not np:
        A.diagonal().add_(alpha)
        return xp.cholesky_solve(B, xp.linalg.cholesky(A))
    A[np.diag_indices_from(A)] += alpha
    return cho_solve(cho_factor(A, lower=True, overwrite_a=True, check_finite=False), B)


def shrinkage_path(A: np.ndarray, B: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(P, A, T): W of (A + alpha I) W = B (P, T) for every alpha; A (P, P) is overwritten, its lower triangle read.

    Q makes A a band, so W = Q U with (Qᵀ A Q + alpha I) U = Qᵀ B. Fast for A in Fortran order. A and B may be tensors.
    """
    xp = namespace(A)
    rounding = 10 * np.finfo(float).eps * float(xp.trace(A))
    if alphas.min() < rounding:
        raise InputError(f"alpha = {alphas.min():g} is lost in rounding: start the grid above {rounding:.1e}")
    if xp is not np:
        return xp.stack([solve(A.clone(), B, float(alpha)) for alpha in alphas], axis=1)
    # One BLAS thread, and threads over the tiles: its own would share products that are too small for that.
    of_blas = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
    with ThreadPoolExecutor(max(of_blas, default=1)) as threads, threadpool_limits(1, "blas"):
        return _path_by_band(A, B, alphas, threads.map)


def _path_by_band(A: np.ndarray, B: np.ndarray, alphas: np.ndarray, each: Callable) -> np.ndarray:
    band, reflections = _banded(A, each)
    rotated = B.copy()
    for rows, V, T in reflections:
        rotated[rows] -= V @ (T.T @ (V.T @ rotated[rows]))
    U = []
    for alpha in alphas:
        shifted = band.copy()
        shifted[0] += alpha
        U.append(solveh_banded(shifted, rotated, lower=True, overwrite_ab=True, check_finite=False))
    W = np.concatenate(U, axis=1)
    for rows, V, T in reversed(reflections):
        W[rows] -= V @ (T @ (V.T @ W[rows]))
    return W.reshape(len(B), len(alphas), -1)


def _banded(A: np.ndarray, each: Callable) -> tuple[np.ndarray, list[tuple[slice, np.ndarray, np.ndarray]]]:
    """Qᵀ A Q as band[d, j], its element (j + d, j), and Q = Q₁ Q₂ ... as (rows, V, T): Qᵢ = I - V T Vᵀ on these rows.

    V are views of A, where they take the place of what they annihilate.
    """
    P = len(A)
    band, reflections = np.zeros((min(BAND, P - 1) + 1, P)), []
    for j in range(0, P, BAND):
        diagonal, below = slice(j, j + BAND), slice(j + BAND, P)
        columns = A[j:, diagonal]
        if P - below.start > 1:
            panel = A[below, diagonal]
            reflected, T, _ = dgeqrt(min(panel.shape), panel)
            V = panel[:, : len(T)]
            V[:] = np.tril(reflected[:, : len(T)], -1)
            V[np.diag_indices(len(T))] = 1.0
            columns = np.vstack([A[diagonal, diagonal], np.triu(reflected[: len(T)])])
            _reflect_both_sides(A[below, below], V, T, each)
            reflections.append((below, V, T))
        for c in range(columns.shape[1]):
            elements = columns[c : c + len(band), c]
            band[: len(elements), j + c] = elements
    return band, reflections


def _reflect_both_sides(S: np.ndarray, V: np.ndarray, T: np.ndarray, each: Callable) -> None:
    """S <- (I - V T Vᵀ)ᵀ S (I - V T Vᵀ) = S - V Wᵀ - W Vᵀ, in the lower triangle of S (m, m), with V (m, b).

    W = Y - ½ V Tᵀ Vᵀ Y,  Y = S V T. ``each``: map, over tiles that do not touch each other.
    """
    tiles = [slice(c, min(c + TILE, len(S))) for c in range(0, len(S), TILE)]

    def times_V(tile):
        corner, before, below = np.tril(S[tile, tile]), slice(0, tile.start), slice(tile.stop, len(S))
        in_corner = corner @ V[tile] + np.tril(corner, -1).T @ V[tile]
        return in_corner + S[tile, before] @ V[before] + S[below, tile].T @ V[below]

    Y = np.concatenate(list(each(times_V, tiles))) @ T
    W = Y - V @ (0.5 * T.T @ (V.T @ Y))
    left, right = np.hstack([V, W]), np.hstack([W, V])

    def reflect(tile):
        rows = slice(tile.start, len(S))
        S[rows, tile] -= (right[tile] @ left[rows].T).T  # a product in the memory order of S

    list(each(reflect, tiles))
