"""Model atmosphere: T(tau) interpolated in ATLAS9 models, and hydrostatic equilibrium with our own opacity."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator, RegularGridInterpolator

from gravispec.spectra.lte.elements import abundances
from gravispec.spectra.lte.eos import Gas, solve_gas
from gravispec.spectra.lte.opacity import continuous_opacity

REFERENCE_WAVE = 5000.0  # Angstrom; its continuum optical depth is the depth scale
N_DEPTHS = 60
LOG_TAU_RANGE = (-4.9, 1.7)
N_ITERATIONS = 30
TOLERANCE = 1e-4  # of ln P_gas
LABELS = ["T_eff", "log_g", "M_H"]


def depth_scale(n_depths: int = N_DEPTHS) -> np.ndarray:
    """Optical depths at 5000 Angstrom, evenly spaced in the logarithm, (n_depths,)."""
    return np.logspace(*LOG_TAU_RANGE, n_depths)


@cache
def temperature_table() -> tuple[RegularGridInterpolator, np.ndarray]:
    """T / T_eff (n_node,) as a function of `LABELS`, linear between the models, and its log10 tau_5000 (n_node,)."""
    table = pd.read_csv(Path(__file__).with_name("temperature.csv"), comment="#").set_index(LABELS).sort_index()
    axes = [level.to_numpy(dtype=float) for level in table.index.levels]
    ratios = table.to_numpy().reshape(*(axis.size for axis in axes), table.shape[1])
    return RegularGridInterpolator(axes, ratios, bounds_error=False, fill_value=None), table.columns.to_numpy(float)


def temperature(T_eff: float, log_g: float, M_H: float, tau: np.ndarray) -> np.ndarray:
    """T(tau), (n_depth,) K, of a star; `T_eff` K, `log_g` cgs, `tau` (n_depth,) within `LOG_TAU_RANGE`.

    Beyond the table T / T_eff is that of its edge; above solar metallicity it is extrapolated.
    """
    interpolator, log_tau = temperature_table()
    low, high = (np.array([axis[end] for axis in interpolator.grid]) for end in (0, -1))
    high[LABELS.index("M_H")] = np.inf
    ratio = interpolator(np.clip([T_eff, log_g, M_H], low, high))[0]
    return T_eff * PchipInterpolator(log_tau, ratio)(np.log10(tau))


def hydrostatic_pressure(tau: np.ndarray, gravity: float, P_gas: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """One pass of P^(3/2) = 3/2 g int P^(1/2) / kappa dtau (Gray 2005, ch. 9).

    `opacity` (n_depth,) cm2 g-1 at the reference wavelength, for the pressure estimate `P_gas` (n_depth,).
    """
    integrand = np.sqrt(P_gas) * tau / opacity
    steps = 0.5 * (integrand[1:] + integrand[:-1]) * np.diff(np.log(tau))
    # Above the first depth the opacity is taken as constant, which makes P proportional to tau.
    integral = integrand[0] / 1.5 + np.concatenate([[0.0], np.cumsum(steps)])
    return (1.5 * gravity * integral) ** (2.0 / 3.0)


def hydrostatic_gas(T: np.ndarray, log_g: float, abundance: np.ndarray, tau: np.ndarray) -> Gas:
    """Gas in hydrostatic equilibrium with temperature `T` at the optical depths `tau`, both (n_depth,); `log_g` cgs."""
    gravity = 10.0**log_g
    P_gas, P_e = np.sqrt(1e5 * gravity * tau), None
    for _ in range(N_ITERATIONS):
        gas = solve_gas(T, P_gas, abundance, P_e)
        opacity = continuous_opacity(gas, np.array([REFERENCE_WAVE]))[:, 0] / gas.density
        new = hydrostatic_pressure(tau, gravity, P_gas, opacity)
        change = np.abs(np.log(new / P_gas)).max()
        P_gas, P_e = new, gas.P_e * new / P_gas
        if change < TOLERANCE:
            break
    return solve_gas(T, P_gas, abundance, P_e)


def model_atmosphere(
    T_eff: float, log_g: float, M_H: float, a_M: float, C_M: float, N_M: float, tau: np.ndarray
) -> Gas:
    """Gas at the optical depths `tau` (n_depth,) of a star; `T_eff` K, `log_g` cgs, the abundances dex.

    `a_M`, `C_M` and `N_M` change the gas, not T(tau).
    """
    return hydrostatic_gas(temperature(T_eff, log_g, M_H, tau), log_g, abundances(M_H, a_M, C_M, N_M), tau)
