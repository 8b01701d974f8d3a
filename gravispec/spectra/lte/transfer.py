"""Formal solution: emergent flux of a plane-parallel atmosphere with a known source function.

`exponential_integrals` and `emergent_flux` take NumPy arrays or tensors.
"""

from functools import cache

import numpy as np

from gravispec.device import like, namespace
from gravispec.spectra.lte.constants import BOLTZMANN, LIGHT_SPEED, PLANCK

N_ANGLES = 4


def planck(wave: np.ndarray, T: np.ndarray) -> np.ndarray:
    """B_lambda, erg s-1 cm-2 A-1 sr-1, (n_depth, n_wave); `wave` (n_wave,) Angstrom, `T` (n_depth,) K."""
    cm = wave * 1e-8
    exponent = PLANCK * LIGHT_SPEED / (cm * BOLTZMANN * T[:, None])
    return 2.0 * PLANCK * LIGHT_SPEED**2 / cm**5 / np.expm1(exponent) * 1e-8


def exponential_integrals(tau: np.ndarray) -> np.ndarray:
    """Exponential integrals E3 and E4, (2, ...), int_0^1 mu^(n-2) exp(-tau/mu) dmu by Gauss-Legendre over mu."""
    xp = namespace(tau)
    mu, weights = (xp.asarray(like(a, tau), dtype=tau.dtype) for a in _angles())
    terms = tau * (-1.0 / mu).reshape(-1, *tau.ndim * [1])
    xp.exp(terms, out=terms)
    return (weights @ terms.reshape(mu.shape[0], -1)).reshape(2, *tau.shape)


@cache
def _angles() -> tuple[np.ndarray, np.ndarray]:
    """mu, (n_angle,), and its weights in the integrals of E3 and E4, (2, n_angle)."""
    nodes, weights = np.polynomial.legendre.leggauss(N_ANGLES)
    mu = 0.5 * (nodes + 1.0)
    return mu, 0.5 * weights * mu ** [[1], [2]]


def optical_depth(ratio: np.ndarray, tau_ref: np.ndarray) -> np.ndarray:
    """Monochromatic optical depth, (n_depth, n_wave), from `ratio` = opacity / reference opacity, (n_depth, n_wave).

    `tau_ref` (n_depth,) is the optical depth that belongs to the reference opacity.
    Trapezoidal rule in ln(tau_ref); above the first depth the ratio is constant. Linear in `ratio`.
    """
    integrand = ratio * tau_ref[:, None]
    steps = 0.5 * np.diff(np.log(tau_ref))[:, None] * (integrand[1:] + integrand[:-1])
    return np.cumsum(np.concatenate([integrand[:1], steps]), axis=0)


def emergent_flux(tau: np.ndarray, source: np.ndarray, share: np.ndarray | None = None) -> np.ndarray:
    """Flux (n_wave,) = 2 pi int S E2(tau) dtau for S piecewise linear in tau, both (n_depth, n_wave).

    By parts twice: F = 2 pi [S_0/2 + sum_i (dS/dtau)_i (E4(tau_i) - E4(tau_i+1))], exact for any step size; the last
    slope goes on to infinite depth, S is constant above the first depth. With `share` (n_node, n_wave), the weights of
    nodes in wavelength between which S is linear, `source` is (n_depth, n_node).
    """
    xp = namespace(tau)
    E3, E4 = exponential_integrals(tau)
    E4[-1] = 0.0
    d_tau = tau[1:] - tau[:-1]
    # Rounding of E4 loses as much above this step as the mean of E3 does by truncation below.
    limit = xp.finfo(tau.dtype).eps ** (1.0 / 3.0)
    escape = E4[:-1] - E4[1:]
    escape /= xp.clip(d_tau, limit, None)
    escape = xp.where(d_tau < limit, 0.5 * (E3[:-1] + E3[1:]), escape)
    step = xp.diff(source, axis=0)
    if share is None:
        return 2.0 * np.pi * (0.5 * source[0] + xp.einsum("dw,dw->w", step, escape))
    return 2.0 * np.pi * (share * (0.5 * source[0][:, None] + step.T @ escape)).sum(0)
