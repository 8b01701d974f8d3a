"""Model atmosphere: an analytic T(tau) and hydrostatic equilibrium, plane-parallel."""

import numpy as np

from gravispec.spectra.lte.eos import Gas, solve_gas
from gravispec.spectra.lte.opacity import continuous_opacity

REFERENCE_WAVE = 5000.0  # Angstrom; its continuum optical depth is the depth scale
N_DEPTHS = 40
LOG_TAU_RANGE = (-6.0, 1.5)
N_ITERATIONS = 30
TOLERANCE = 1e-5  # of ln P_gas


def depth_scale(n_depths: int = N_DEPTHS) -> np.ndarray:
    """Optical depths at 5000 Angstrom, evenly spaced in the logarithm, (n_depths,)."""
    return np.logspace(*LOG_TAU_RANGE, n_depths)


def temperature(T_eff: float, tau: np.ndarray) -> np.ndarray:
    """Solar T(tau) scaled with `T_eff`: T^4 = 3/4 T_eff^4 (tau + q(tau)).

    q(tau) is the analytic fit to the VAL-C model of the quiet Sun used by MESA (Paxton et al. 2013, ApJS 208, 4, sect. A.5).
    """
    hopf = 1.0361 - 0.3134 * np.exp(-2.448 * tau) - 0.2959 * np.exp(-30.0 * tau)
    return T_eff * (0.75 * (tau + hopf)) ** 0.25


def hydrostatic_pressure(tau: np.ndarray, gravity: float, P_gas: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """One pass of P^(3/2) = 3/2 g int P^(1/2) / kappa dtau (Gray 2005, eq. 9.9).

    `opacity` (n_depth,) cm2 g-1 at the reference wavelength, for the pressure estimate `P_gas` (n_depth,).
    """
    integrand = np.sqrt(P_gas) * tau / opacity
    steps = 0.5 * (integrand[1:] + integrand[:-1]) * np.diff(np.log(tau))
    # Above the first depth the opacity is taken as constant, which makes P proportional to tau.
    integral = integrand[0] / 1.5 + np.concatenate([[0.0], np.cumsum(steps)])
    return (1.5 * gravity * integral) ** (2.0 / 3.0)


def model_atmosphere(T_eff: float, log_g: float, abundance: np.ndarray, tau: np.ndarray) -> Gas:
    """Gas at the optical depths `tau` (n_depth,) in hydrostatic equilibrium; `log_g` in cgs."""
    T = temperature(T_eff, tau)
    gravity = 10.0**log_g
    P_gas = np.sqrt(gravity * 1e5 * tau) + gravity * tau / 10
    P_e = None
    for _ in range(N_ITERATIONS):
        gas = solve_gas(T, P_gas, abundance, P_e)
        opacity = continuous_opacity(gas, np.array([REFERENCE_WAVE]))[:, 0] / gas.density
        new = hydrostatic_pressure(tau, gravity, P_gas, opacity)
        change = np.abs(np.log(new / P_gas)).max()
        P_gas, P_e = new, gas.P_e * new / P_gas
        if change < TOLERANCE:
            break
    return solve_gas(T, P_gas, abundance, P_e)
