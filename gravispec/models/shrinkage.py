"""Solutions W of (A + alpha I) W = B for many penalties alpha at the cost of little more than one.

One reduction of A to tridiagonal form serves every alpha and every column of B (Eldén 1977, BIT 17, 134).
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solveh_banded
from scipy.linalg.lapack import dormqr, dsytrd

from gravispec.errors import InputError

BLOCK = 512  # reflections applied at once, so that temporary arrays stay small


def solve(A: np.ndarray, B: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """(P, T): column t is (A + alpha[t] I)⁻¹ B[:, t], by Cholesky; the lower triangle of A (P, P) is read."""
    W = np.empty_like(B)
    for value in np.unique(alpha):
        shifted = A.copy(order="F")
        shifted[np.diag_indices_from(shifted)] += value
        same = alpha == value
        factor = cho_factor(shifted, lower=True, overwrite_a=True, check_finite=False)
        W[:, same] = cho_solve(factor, B[:, same])
    return W


def shrinkage_path(A: np.ndarray, B: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """(P, A, T): W of (A + alpha I) W = B (P, T) for every alpha; A (P, P) is overwritten, its lower triangle read.

    Householder reflections Q make A tridiagonal, so W = Q U with (Qᵀ A Q + alpha I) U = Qᵀ B: three diagonals for each
    alpha.
    """
    rounding = 10 * np.finfo(float).eps * np.trace(A)
    if alphas.min() < rounding:
        raise InputError(f"alpha = {alphas.min():g} is lost in rounding: start the grid above {rounding:.1e}")
    reflectors, d, e, tau, _ = dsytrd(A, lower=1, lwork=64 * len(A), overwrite_a=1)
    rotated = _reflect(reflectors, tau, B.copy(order="F"), transpose=True)
    below = np.append(e, 0.0)
    U = np.stack([solveh_banded([d + alpha, below], rotated, lower=True) for alpha in alphas], axis=1)
    W = _reflect(reflectors, tau, U.reshape(len(d), -1, order="F").copy(order="F"), transpose=False)
    return W.reshape(U.shape, order="F")


def _reflect(reflectors: np.ndarray, tau: np.ndarray, C: np.ndarray, *, transpose: bool) -> np.ndarray:
    """Q C or Qᵀ C, in place, with Q = diag(1, H₁ H₂ ...) as dsytrd leaves it below the diagonal of `reflectors`."""
    starts = range(0, len(tau), BLOCK)
    for j in starts if transpose else reversed(starts):  # in Q C the last reflections act first
        V, scale = reflectors[1 + j :, j : min(j + BLOCK, len(tau))], tau[j : j + BLOCK]
        C[1 + j :] = dormqr("L", "T" if transpose else "N", V, scale, C[1 + j :], lwork=64 * BLOCK)[0]
    return C
