"""Model atmosphere: T(tau) from published models, hydrostatic equilibrium, and the total flux that T_eff stands for."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from gravispec.spectra.lte.constants import STEFAN_BOLTZMANN
from gravispec.spectra.lte.elements import abundances
from gravispec.spectra.lte.eos import Gas, solve_gas
from gravispec.spectra.lte.opacity import continuous_opacity
from gravispec.spectra.lte.transfer import emergent_flux, optical_depth, planck

REFERENCE_WAVE = 5000.0  # Angstrom; its continuum optical depth is the depth scale
N_DEPTHS = 60
LOG_TAU_RANGE = (-4.9, 1.7)
SOLAR_T_EFF = 5777.0  # K
SOLAR_LOG_G = 4.44
GIANT_LOG_G = 2.5  # of the model in temperature_differences.csv
# Weight of the cool dwarf's difference (see `temperature_weights`).
COOL_T_EFF = 4800.0  # K, where it begins
COOL_SLOPE = 2.0  # per (1000 K)^2
METAL_SLOPE = 0.75  # per dex
METAL_RANGE = (-2.0, 0.75)  # beyond, it stays the same
GRAVITY_SLOPE = 0.12  # per dex
MAX_DWARF_WEIGHT = 2.7  # beyond, T(tau) would not rise everywhere
N_ITERATIONS = 30
TOLERANCE = 1e-4  # of ln P_gas and of the total flux
BOLOMETRIC_WAVE = np.geomspace(3000.0, 1e5, 60)  # Angstrom; 97 % or more of the flux of these stars
SOLAR_BLOCKING = 0.13  # share of the Sun's continuum that its lines block: with it the Sun keeps its MARCS temperatures
BLOCKING_SLOPE = 0.45  # dlog(blocked share) / dM_H, as of this package's own atomic lines at 7100-8850 A


def depth_scale(n_depths: int = N_DEPTHS) -> np.ndarray:
    """Optical depths at 5000 Angstrom, evenly spaced in the logarithm, (n_depths,)."""
    return np.logspace(*LOG_TAU_RANGE, n_depths)


@cache
def solar_temperature() -> PchipInterpolator:
    """T(log10 tau_5000) of the Sun, K."""
    table = pd.read_csv(Path(__file__).with_name("solar_temperature.csv"), comment="#")
    return PchipInterpolator(table["log_tau_5000"], table["T"], extrapolate=False)


@cache
def temperature_differences() -> PchipInterpolator:
    """Differences of T/T_eff from the Sun's, of a cool dwarf and of a giant (columns), against log10 tau_5000."""
    table = pd.read_csv(Path(__file__).with_name("temperature_differences.csv"), comment="#")
    return PchipInterpolator(table["log_tau_5000"], table[["cool_dwarf", "giant"]], extrapolate=False)


def temperature_weights(T_eff: float, log_g: float, M_H: float) -> np.ndarray:
    """Shares (2,) of the differences of the cool dwarf and of the giant in T(tau).

    The giant's follows log_g from the Sun's to that of the published giant. The dwarf's (molecules and convection
    flatten T(tau) in cool and metal-poor stars) is calibrated on the published mean depths of TiO (docs/spectra.md).
    """
    step = SOLAR_LOG_G - log_g
    cool = COOL_SLOPE * (max(COOL_T_EFF - T_eff, 0.0) / 1000.0) ** 2
    poor = METAL_SLOPE * -np.clip(M_H, *METAL_RANGE)
    dwarf = (1.0 - GRAVITY_SLOPE * step) * (cool + poor)
    return np.array([min(dwarf, MAX_DWARF_WEIGHT), step / (SOLAR_LOG_G - GIANT_LOG_G)])


def temperature(T_eff: float, tau: np.ndarray, log_g: float = SOLAR_LOG_G, M_H: float = 0.0) -> np.ndarray:
    """T(tau), (n_depth,) K: the MARCS solar model scaled to `T_eff`, plus the differences of cool dwarfs and giants.

    `tau` (n_depth,) within `LOG_TAU_RANGE`.
    """
    shape = solar_temperature()(np.log10(tau)) / SOLAR_T_EFF
    return T_eff * (shape + temperature_differences()(np.log10(tau)) @ temperature_weights(T_eff, log_g, M_H))


def hydrostatic_pressure(tau: np.ndarray, gravity: float, P_gas: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """One pass of P^(3/2) = 3/2 g int P^(1/2) / kappa dtau (Gray 2005, ch. 9).

    `opacity` (n_depth,) cm2 g-1 at the reference wavelength, for the pressure estimate `P_gas` (n_depth,).
    """
    integrand = np.sqrt(P_gas) * tau / opacity
    steps = 0.5 * (integrand[1:] + integrand[:-1]) * np.diff(np.log(tau))
    # Above the first depth the opacity is taken as constant, which makes P proportional to tau.
    integral = integrand[0] / 1.5 + np.concatenate([[0.0], np.cumsum(steps)])
    return (1.5 * gravity * integral) ** (2.0 / 3.0)


def blocked_share(M_H: float) -> float:
    """Share of the continuum flux that lines take out, so that the layers of the continuum are hotter (backwarming)."""
    return SOLAR_BLOCKING * 10.0 ** (BLOCKING_SLOPE * M_H)


def hydrostatic_gas(
    T: np.ndarray, log_g: float, abundance: np.ndarray, tau: np.ndarray, start: Gas | None = None
) -> Gas:
    """Gas in hydrostatic equilibrium with temperature `T` at the optical depths `tau`, both (n_depth,).

    `log_g` in cgs; `start` is an optional first guess of the pressures.
    """
    gravity = 10.0**log_g
    P_gas = np.sqrt(1e5 * gravity * tau) if start is None else start.P_gas
    P_e = None if start is None else start.P_e
    for _ in range(N_ITERATIONS):
        gas = solve_gas(T, P_gas, abundance, P_e)
        opacity = continuous_opacity(gas, np.array([REFERENCE_WAVE]))[:, 0] / gas.density
        new = hydrostatic_pressure(tau, gravity, P_gas, opacity)
        change = np.abs(np.log(new / P_gas)).max()
        P_gas, P_e = new, gas.P_e * new / P_gas
        if change < TOLERANCE:
            break
    return solve_gas(T, P_gas, abundance, P_e)


def continuum_flux(gas: Gas, tau: np.ndarray) -> float:
    """Emergent flux without lines, erg s-1 cm-2, over `BOLOMETRIC_WAVE`."""
    ratio = continuous_opacity(gas, BOLOMETRIC_WAVE) / continuous_opacity(gas, np.array([REFERENCE_WAVE]))
    flux = emergent_flux(optical_depth(ratio, tau), planck(BOLOMETRIC_WAVE, gas.T))
    return np.trapezoid(flux, BOLOMETRIC_WAVE)


def model_atmosphere(T_eff: float, log_g: float, M_H: float, a_M: float, C_M: float, tau: np.ndarray) -> Gas:
    """Gas at the optical depths `tau` (n_depth,) of a star; `T_eff` K, `log_g` cgs.

    T(tau) has the shape of `temperature`, multiplied by the one factor that makes the emergent flux, continuum less the
    `blocked_share`, equal to sigma T_eff^4.
    """
    abundance = abundances(M_H, a_M, C_M)
    target = STEFAN_BOLTZMANN * T_eff**4 / (1.0 - blocked_share(M_H))
    T, gas = temperature(T_eff, tau, log_g, M_H), None
    for _ in range(N_ITERATIONS):
        gas = hydrostatic_gas(T, log_g, abundance, tau, gas)
        excess = continuum_flux(gas, tau) / target
        if abs(excess - 1.0) < TOLERANCE:
            break
        T = T * excess**-0.25
    return gas
