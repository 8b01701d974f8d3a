"""Formal solution: emergent flux of a plane-parallel atmosphere with a known source function."""

import numpy as np

from gravispec.spectra.lte.constants import BOLTZMANN, LIGHT_SPEED, PLANCK

N_ANGLES = 4


def planck(wave: np.ndarray, T: np.ndarray) -> np.ndarray:
    """B_lambda, erg s-1 cm-2 A-1 sr-1, (n_depth, n_wave); `wave` (n_wave,) Angstrom, `T` (n_depth,) K."""
    cm = wave * 1e-8
    exponent = PLANCK * LIGHT_SPEED / (cm * BOLTZMANN * T[:, None])
    return 2.0 * PLANCK * LIGHT_SPEED**2 / cm**5 / np.expm1(exponent) * 1e-8


def expn4(tau: np.ndarray, n_angles: int = N_ANGLES) -> np.ndarray:
    """Exponential integral E4(tau) = int_0^1 mu^2 exp(-tau/mu) dmu by Gauss-Legendre quadrature over mu."""
    nodes, weights = np.polynomial.legendre.leggauss(n_angles)
    mu = 0.5 * (nodes + 1.0)
    return sum(0.5 * w * m**2 * np.exp(-tau / m) for m, w in zip(mu, weights, strict=True))


def optical_depth(ratio: np.ndarray, tau_ref: np.ndarray) -> np.ndarray:
    """Monochromatic optical depth, (n_depth, n_wave), from `ratio` = opacity / reference opacity, (n_depth, n_wave).

    `tau_ref` (n_depth,) is the optical depth that belongs to the reference opacity.
    Trapezoidal rule in ln(tau_ref); above the first depth the ratio is constant.
    """
    integrand = ratio * tau_ref[:, None]
    tau = np.empty_like(integrand)
    tau[0] = integrand[0]
    step = 0.5 * np.diff(np.log(tau_ref))[:, None]
    np.cumsum(step * (integrand[1:] + integrand[:-1]), axis=0, out=tau[1:])
    tau[1:] += tau[0]
    return tau


def emergent_flux(tau: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Flux (n_wave,) = 2 pi int S E2(tau) dtau for S piecewise linear in tau, both (n_depth, n_wave).

    By parts twice: F = 2 pi [S_0/2 + sum_i (dS/dtau)_i (E4(tau_i) - E4(tau_i+1))], exact for any step size; the last
    slope goes on to infinite depth, S is constant above the first depth.
    """
    E4 = expn4(tau)
    slope = np.diff(source, axis=0) / np.diff(tau, axis=0)
    total = 0.5 * source[0] + slope[-1] * E4[-1]
    total += np.einsum("dw,dw->w", slope, E4[:-1] - E4[1:])
    return 2.0 * np.pi * total
