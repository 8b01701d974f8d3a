"""Opacity of the TiO and CN bands: cross-sections per molecule, tabulated over temperature and wavelength."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.device import on_device
from gravispec.spectra.lte.constants import (
    ATOMIC_MASS,
    BOLTZMANN,
    ELECTRON_CHARGE,
    ELECTRON_MASS,
    LIGHT_SPEED,
)
from gravispec.spectra.lte.molecules import CM_TO_KELVIN, partition_function
from gravispec.spectra.lte.rotation import band_lines

# Mass (u) of the atom of one isotope, masses and shares of the isotopes of the other, main one first (Berglund & Wieser
# 2011, Pure Appl. Chem. 83, 397; carbon as in the Sun).
ISOTOPES = {
    "CN": (14.003074, ((12.0, 0.9889), (13.003355, 0.0111))),
    "TiO": (
        15.994915,
        ((47.947946, 0.7372), (45.952632, 0.0825), (46.951763, 0.0744), (48.947870, 0.0541), (49.944791, 0.0518)),
    ),
}
J_MAX = {"CN": 110, "TiO": 160}
WEAKEST = 0.01  # of the strongest line at 3500 K; together, weaker ones dim a dwarf of 4000 K by 1-2 %
WAVE_GRID = (7060.0, 8895.0)  # Angstrom
LOG_STEP = 2.5e-6  # of the wavelength grid: half of the narrowest Doppler width, or less
N_BELOW = 4  # steps from 0 to 2 km/s
SPEED_STEP = np.log(5.0) / N_BELOW  # of ln(v^2 + 1), of the tables' microturbulence v in km/s
THETA_NODES = np.linspace(0.6, 2.4, 19)  # 5040 K / T of the table: linear in between, constant beyond


@dataclass(frozen=True)
class MolecularLines:
    """Lines of all bands and isotopes of a molecule inside `WAVE_GRID`, each array (n_line,)."""

    wave: np.ndarray  # vacuum, Angstrom
    E_low: np.ndarray  # cm-1
    gf: np.ndarray  # share of the isotope included


@cache
def load_bands() -> pd.DataFrame:
    """Bands with their oscillator strengths."""
    return pd.read_csv(Path(__file__).with_name("bands.csv"), comment="#")


@cache
def molecular_lines(molecule: str) -> MolecularLines:
    """Line list of a molecule, computed from the constants of its states."""
    partner, isotopes = ISOTOPES[molecule]
    reduced = [mass * partner / (mass + partner) for mass, _ in isotopes]
    parts = []
    for row in load_bands().query("molecule == @molecule").itertuples():
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


@lru_cache(maxsize=4)
def cross_sections(molecule: str, v_micro: float) -> np.ndarray:
    """Opacity per molecule, (n_node, n_grid) cm2 in single precision, at `THETA_NODES` on a grid even in ln(wave).

    The lines are put on the grid and convolved with the Gaussian of the thermal motion and of `v_micro` km/s.
    """
    lines = molecular_lines(molecule)
    n_grid = int(np.ceil(np.log(WAVE_GRID[1] / WAVE_GRID[0]) / LOG_STEP))
    cell, right = _grid_position(lines.wave, n_grid)
    partner, isotopes = ISOTOPES[molecule]
    frequency = np.fft.rfftfreq(n_grid)
    T_nodes = 5040.0 / THETA_NODES
    classical = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2)  # cm
    table = np.empty((T_nodes.size, n_grid), dtype=np.float32)
    for row, T, Q in zip(table, T_nodes, partition_function(molecule, T_nodes), strict=True):
        stimulated = -np.expm1(-CM_TO_KELVIN * 1e8 / (lines.wave * T))
        # Integral over ln(wave), hence only one factor of the wavelength.
        strength = classical * lines.wave * 1e-8 * lines.gf * np.exp(-lines.E_low * CM_TO_KELVIN / T) * stimulated / Q
        comb = np.bincount(cell, strength * (1.0 - right), n_grid) + np.bincount(cell + 1, strength * right, n_grid)
        speed2 = 2.0 * BOLTZMANN * T / (ATOMIC_MASS * (partner + isotopes[0][0])) + (1e5 * v_micro) ** 2
        width = np.sqrt(speed2) / LIGHT_SPEED / LOG_STEP
        spectrum = np.fft.rfft(comb) * np.exp(-((np.pi * width * frequency) ** 2))
        row[:] = np.maximum(np.fft.irfft(spectrum, n_grid), 0.0) / LOG_STEP
    return table


def band_terms(
    molecule: str, density: np.ndarray, T: np.ndarray, v_micro: float, wave: bytes, device: str | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Terms whose products add up to the opacity of a molecule: (n_wave, n_term), cm2, and (n_term, n_depth), cm-3.

    Both in single precision on the `device`, one pair a node in microturbulence. `density` cm-3 and `T` K, (n_depth,);
    `wave` vacuum Angstrom, (n_wave,) inside `WAVE_GRID`, double precision as bytes.
    """
    weight = _node_weights(density, T).T
    used = np.flatnonzero(weight.any(axis=1))
    rows = slice(used[0], used[-1] + 1)
    terms = []
    for v_node, share in zip(*speed_nodes(v_micro), strict=True):
        table = _cross_sections_at(molecule, v_node, wave, device)[:, rows]
        terms.append((table, on_device(np.float32(share) * weight[rows], device)))
    return terms


def band_opacity(molecule: str, density: np.ndarray, T: np.ndarray, wave: np.ndarray, v_micro: float) -> np.ndarray:
    """Opacity, (n_depth, n_wave) cm-1 in single precision, of a molecule of `density` cm-3 at `T` K, both (n_depth,).

    `wave` (n_wave,) vacuum Angstrom, inside `WAVE_GRID`.
    """
    terms = band_terms(molecule, density, T, v_micro, np.asarray(wave, dtype=float).tobytes(), None)
    return sum(table @ weight for table, weight in terms).T


def peak_opacity(molecule: str, density: np.ndarray, T: np.ndarray, v_micro: float) -> np.ndarray:
    """Upper limit of `band_opacity` over all wavelengths, (n_depth,) cm-1."""
    return _node_weights(density, T) @ _peaks(molecule, speed_nodes(v_micro)[0][0])


def speed_nodes(v_micro: float) -> tuple[list[float], list[float]]:
    """Microturbulence (km/s, increasing) of the tables that give that of `v_micro`, and their weights in the sum.

    Cubic in ln(v^2 + 1) between nodes `SPEED_STEP` apart, of which one is 0 and one 2 km/s.
    """
    position = np.log((v_micro**2 + 1.0) / 5.0) / SPEED_STEP
    if np.isclose(position, round(position), atol=1e-9):
        return [v_micro], [1.0]
    first = max(int(np.floor(position)) - 1, -N_BELOW)
    nodes = range(first, first + 4)
    weights = [np.prod([(position - other) / (node - other) for other in nodes if other != node]) for node in nodes]
    return [float(np.sqrt(max(5.0 * np.exp(SPEED_STEP * node) - 1.0, 0.0))) for node in nodes], weights


@lru_cache(maxsize=32)
def _peaks(molecule: str, v_micro: float) -> np.ndarray:
    """Largest cross-section at each node, (n_node,)."""
    return cross_sections(molecule, v_micro).max(axis=1)


@lru_cache(maxsize=64)
def _cross_sections_at(molecule: str, v_micro: float, wave: bytes, device: str | None) -> np.ndarray:
    """`cross_sections` on wavelengths and a device, (n_wave, n_node)."""
    table = cross_sections(molecule, v_micro)
    cell, right = _grid_position(np.frombuffer(wave), table.shape[1])
    right = right.astype(np.float32)
    return on_device(np.ascontiguousarray((table[:, cell] * (1.0 - right) + table[:, cell + 1] * right).T), device)


def _grid_position(wave: np.ndarray, n_grid: int) -> tuple[np.ndarray, np.ndarray]:
    """Index of the grid point to the left of each wavelength, and the distance from it in steps."""
    position = np.log(wave / WAVE_GRID[0]) / LOG_STEP
    cell = np.minimum(position.astype(int), n_grid - 2)
    return cell, position - cell


def _node_weights(density: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Linear interpolation in 1/T from the nodes of the table, times the density, (n_depth, n_node)."""
    position = (np.clip(5040.0 / T, THETA_NODES[0], THETA_NODES[-1]) - THETA_NODES[0]) / (
        THETA_NODES[1] - THETA_NODES[0]
    )
    low = np.minimum(position.astype(int), THETA_NODES.size - 2)
    depth = np.arange(T.size)
    weights = np.zeros((T.size, THETA_NODES.size), dtype=np.float32)
    weights[depth, low] = density * (1.0 - (position - low))
    weights[depth, low + 1] = density * (position - low)
    return weights
