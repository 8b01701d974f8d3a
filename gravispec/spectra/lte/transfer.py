"""Formal solution: emergent flux of a plane-parallel atmosphere with a known source function.

What takes optical depths or source functions takes NumPy arrays or tensors.
"""

from functools import cache

import numpy as np

from gravispec.device import namespace
from gravispec.spectra.lte.constants import BOLTZMANN, LIGHT_SPEED, PLANCK

N_ANGLES = 4


def planck(wave: np.ndarray, T: np.ndarray) -> np.ndarray:
    """B_lambda, erg s-1 cm-2 A-1 sr-1, (n_depth, n_wave); `wave` (n_wave,) Angstrom, `T` (n_depth,) K."""
    cm = wave * 1e-8
    exponent = PLANCK * LIGHT_SPEED / (cm * BOLTZMANN * T[:, None])
    return 2.0 * PLANCK * LIGHT_SPEED**2 / cm**5 / np.expm1(exponent) * 1e-8


def expn4(tau: np.ndarray, n_angles: int = N_ANGLES) -> np.ndarray:
    """Exponential integral E4(tau) = int_0^1 mu^2 exp(-tau/mu) dmu by Gauss-Legendre quadrature over mu."""
    exp = namespace(tau).exp
    return sum(weight * exp(-tau / mu) for mu, weight in _angles(n_angles))


@cache
def _angles(n_angles: int) -> list[tuple[float, float]]:
    """mu and its weight in the integral of E4."""
    nodes, weights = np.polynomial.legendre.leggauss(n_angles)
    mu = 0.5 * (nodes + 1.0)
    return list(zip(mu.tolist(), (0.5 * weights * mu**2).tolist(), strict=True))


def optical_depth(ratio: np.ndarray, tau_ref: np.ndarray) -> np.ndarray:
    """Monochromatic optical depth, (n_depth, n_wave), from `ratio` = opacity / reference opacity, (n_depth, n_wave).

    `tau_ref` (n_depth,) is the optical depth that belongs to the reference opacity.
    Trapezoidal rule in ln(tau_ref); above the first depth the ratio is constant.
    """
    xp = namespace(ratio)
    integrand = ratio * tau_ref[:, None]
    tau = xp.empty_like(integrand)
    tau[0] = integrand[0]
    step = 0.5 * xp.diff(xp.log(tau_ref))[:, None]
    xp.cumsum(step * (integrand[1:] + integrand[:-1]), axis=0, out=tau[1:])
    tau[1:] += tau[0]
    return tau


def emergent_flux(tau: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Flux (n_wave,) = 2 pi int S E2(tau) dtau for S piecewise linear in tau, both (n_depth, n_wave).

    By parts twice: F = 2 pi [S_0/2 + sum_i (dS/dtau)_i (E4(tau_i) - E4(tau_i+1))], exact for any step size; the last
    slope goes on to infinite depth, S is constant above the first depth.
    """
    E4 = expn4(tau)
    xp = namespace(tau)
    slope = xp.diff(source, axis=0) / xp.diff(tau, axis=0)
    total = 0.5 * source[0] + slope[-1] * E4[-1]
    total += xp.einsum("dw,dw->w", slope, E4[:-1] - E4[1:])
    return 2.0 * np.pi * total
