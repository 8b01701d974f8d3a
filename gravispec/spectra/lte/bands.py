"""Opacity of the TiO and CN bands: cross-sections per molecule, tabulated over temperature and wavelength."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.spectra.lte.constants import (
    ATOMIC_MASS,
    BOLTZMANN,
    ELECTRON_CHARGE,
    ELECTRON_MASS,
    LIGHT_SPEED,
)
from gravispec.spectra.lte.molecules import CM_TO_KELVIN, partition_function
from gravispec.spectra.lte.rotation import band_lines

# Masses (u) and shares of the isotopes, main one first (Berglund & Wieser 2011); the other atom is its main isotope.
ISOTOPES = {
    "CN": (14.003074, ((12.0, 0.9893), (13.003355, 0.0107))),
    "TiO": (
        15.994915,
        ((47.947946, 0.7372), (45.952632, 0.0825), (46.951763, 0.0744), (48.947870, 0.0541), (49.944791, 0.0518)),
    ),
}
J_MAX = {"CN": 110, "TiO": 160}
WAVE_GRID = (7060.0, 8895.0)  # Angstrom
LOG_STEP = 2.5e-6  # of the wavelength grid: a third of a Doppler width, or less
T_NODES = 5040.0 / np.linspace(0.6, 2.4, 19)  # K; linear in between, constant beyond
WEAKEST = 0.01  # of the strongest line at 3500 K: weaker lines are left out, as in the list behind the published depths


@cache
def load_bands() -> pd.DataFrame:
    """Bands with their oscillator strengths."""
    return pd.read_csv(Path(__file__).with_name("bands.csv"), comment="#")


@dataclass(frozen=True)
class MolecularLines:
    """Lines of all bands and isotopes of a molecule inside `WAVE_GRID`, each array (n_line,)."""

    wave: np.ndarray  # vacuum, Angstrom
    E_low: np.ndarray  # cm-1
    gf: np.ndarray  # share of the isotope included


@cache
def molecular_lines(molecule: str) -> MolecularLines:
    """Line list of a molecule, computed from the constants of its states."""
    partner, isotopes = ISOTOPES[molecule]
    reduced = [mass * partner / (mass + partner) for mass, _ in isotopes]
    parts = []
    bands = load_bands()
    for row in bands[bands["molecule"] == molecule].itertuples():
        for mass, (_, share) in zip(reduced, isotopes, strict=True):
            rho = np.sqrt(reduced[0] / mass)
            band = band_lines(molecule, row.upper, row.lower, row.v_up, row.v_low, J_MAX[molecule], rho)
            wave = 1e8 / band.wavenumber
            gf = share * row.f * row.scale * band.strength
            parts.append(np.stack([wave, band.E_low, gf])[:, (wave > WAVE_GRID[0]) & (wave < WAVE_GRID[1])])
    wave, E_low, gf = np.concatenate(parts, axis=1)
    weight = gf * np.exp(-E_low * CM_TO_KELVIN / 3500.0)
    keep = weight > WEAKEST * weight.max()
    return MolecularLines(wave[keep], E_low[keep], gf[keep])


@lru_cache(maxsize=8)
def cross_sections(molecule: str, v_micro: float) -> np.ndarray:
    """Opacity per molecule, (n_node, n_grid) cm2 in single precision, at `T_NODES` on the grid of `grid_wave`.

    Every line is put on the grid, then all are convolved with the Gaussian of the thermal motion and of `v_micro` km/s.
    """
    lines = molecular_lines(molecule)
    n_grid = grid_wave().size
    position = np.log(lines.wave / WAVE_GRID[0]) / LOG_STEP
    cell = np.minimum(position.astype(int), n_grid - 2)
    right = position - cell
    partner, isotopes = ISOTOPES[molecule]
    frequency = np.fft.rfftfreq(n_grid)
    table = np.empty((T_NODES.size, n_grid), dtype=np.float32)
    classical = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2)
    for row, T, Q in zip(table, T_NODES, partition_function(molecule, T_NODES), strict=True):
        stimulated = -np.expm1(-CM_TO_KELVIN * 1e8 / (lines.wave * T))
        # integral over ln(wave), hence one factor of the wavelength (cm) only
        strength = classical * lines.wave * 1e-8 * lines.gf * np.exp(-lines.E_low * CM_TO_KELVIN / T) * stimulated / Q
        comb = np.bincount(cell, strength * (1.0 - right), n_grid) + np.bincount(cell + 1, strength * right, n_grid)
        speed2 = 2.0 * BOLTZMANN * T / (ATOMIC_MASS * (partner + isotopes[0][0])) + (1e5 * v_micro) ** 2
        width = np.sqrt(speed2) / LIGHT_SPEED / LOG_STEP  # in steps
        spectrum = np.fft.rfft(comb) * np.exp(-((np.pi * width * frequency) ** 2))
        row[:] = np.maximum(np.fft.irfft(spectrum, n_grid), 0.0) / LOG_STEP
    return table


@cache
def grid_wave() -> np.ndarray:
    """Wavelengths of the table of cross-sections, Angstrom, evenly spaced in the logarithm."""
    n = np.fft.rfftfreq  # noqa: F841
    count = int(np.ceil(np.log(WAVE_GRID[1] / WAVE_GRID[0]) / LOG_STEP))
    return WAVE_GRID[0] * np.exp(LOG_STEP * np.arange(count))


def band_opacity(molecule: str, density: np.ndarray, T: np.ndarray, wave: np.ndarray, v_micro: float) -> np.ndarray:
    """Opacity, (n_depth, n_wave) cm-1, of a molecule of `density` (n_depth,) cm-3 at `T` (n_depth,) K."""
    table = cross_sections(molecule, v_micro)
    position = np.log(wave / WAVE_GRID[0]) / LOG_STEP
    cell = np.clip(position.astype(int), 0, table.shape[1] - 2)
    right = np.float32(position - cell)
    at_wave = table[:, cell] * (1.0 - right) + table[:, cell + 1] * right
    theta = np.clip(5040.0 / T, 5040.0 / T_NODES[0], 5040.0 / T_NODES[-1])
    node = (theta - 5040.0 / T_NODES[0]) / (5040.0 / T_NODES[1] - 5040.0 / T_NODES[0])
    low = np.minimum(node.astype(int), T_NODES.size - 2)
    weights = np.zeros((T.size, T_NODES.size))
    weights[np.arange(T.size), low] = density * (1.0 - (node - low))
    weights[np.arange(T.size), low + 1] = density * (node - low)
    return weights.astype(np.float32) @ at_wave
