"""Molecules: composition, electronic states, vibrational terms and partition functions.

The numbers and their sources are in `molecules.csv` (composition and dissociation energies) and `states.csv`
(spectroscopic constants). Energies are in cm-1 above v = 0 of the ground state, at the centre of its multiplet.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.spectra.lte.constants import BOLTZMANN, LIGHT_SPEED, PLANCK

CM_TO_KELVIN = PLANCK * LIGHT_SPEED / BOLTZMANN  # K per cm-1
GROUND = "X"
WATER_ROTATION = (27.88, 14.51, 9.28)  # cm-1, Herzberg 1966
WATER_VIBRATION = (3657.05, 1594.75, 3755.93)  # cm-1, Shimanouchi 1972
V_MAX = 30


@dataclass(frozen=True)
class State:
    """An electronic state: columns of `states.csv`; the isotopes have other vibrational and rotational constants."""

    multiplicity: int
    Lambda: int
    T0: float  # v = 0 above v = 0 of the ground state
    we: float
    wexe: float
    weye: float
    Be: float
    ae: float
    ge: float
    De: float
    A: float  # spin-orbit constant
    spin_spin: float  # lambda
    gamma: float  # spin-rotation constant, of Sigma states
    p: float  # Lambda doubling, of Pi doublets
    q: float

    def vibration(self, v: np.ndarray, rho: float = 1.0) -> np.ndarray:
        """Term G(v) above the minimum of the potential; `rho` is the root of the reduced masses' ratio (Herzberg)."""
        x = rho * (v + 0.5)
        return self.we * x - self.wexe * x**2 + self.weye * x**3

    def rotation(self, v: float, rho: float = 1.0) -> tuple[float, float]:
        """Rotational constants B and D of level `v`."""
        x = rho * (v + 0.5)
        return rho**2 * (self.Be - self.ae * x + self.ge * x**2), rho**4 * self.De


@cache
def load_states() -> dict[str, dict[str, State]]:
    """Electronic states by molecule and name."""
    table = pd.read_csv(Path(__file__).with_name("states.csv"), comment="#").rename(columns={"lambda": "spin_spin"})
    return {
        molecule: {row.pop("state"): State(**row) for row in rows.drop(columns="molecule").to_dict("records")}
        for molecule, rows in table.groupby("molecule")
    }


@cache
def load_molecules() -> pd.DataFrame:
    """Composition (`atoms`), dissociation energy `D0` (eV) and `symmetry` number, by the name of the molecule."""
    table = pd.read_csv(Path(__file__).with_name("molecules.csv"), comment="#", index_col="molecule")
    return table.assign(atoms=table["atoms"].str.split())


def term(molecule: str, state: str, v: float, rho: float = 1.0) -> float:
    """Energy of a vibronic level above v = 0 of the ground state of the same isotope, cm-1."""
    states = load_states()[molecule]
    upper, ground = states[state], states[GROUND]
    minimum = upper.T0 - upper.vibration(0) + ground.vibration(0)
    return minimum + upper.vibration(v, rho) - ground.vibration(0, rho)


def partition_function(molecule: str, T: np.ndarray) -> np.ndarray:
    """Q(T) without nuclear spin, (n_T,): sum over electronic and vibrational states, rigid rotors (Herzberg 1950)."""
    beta = CM_TO_KELVIN / T
    symmetry = load_molecules()["symmetry"][molecule]
    if molecule == "H2O":
        rotation = np.sqrt(np.pi / np.prod(WATER_ROTATION)) * beta**-1.5 / symmetry
        return rotation / np.prod([-np.expm1(-w * beta) for w in WATER_VIBRATION], axis=0)
    weight, B, energy = _levels(molecule)
    boltzmann = np.exp(-np.outer(energy, beta))
    return ((weight / B) @ boltzmann / beta + weight @ boltzmann / 3.0) / symmetry


@cache
def _levels(molecule: str) -> np.ndarray:
    """Weight, rotational constant and energy, (3, n_level), of all vibrational levels up to dissociation."""
    levels = []
    for name, state in load_states()[molecule].items():
        for v in range(V_MAX):
            if v and state.vibration(v) < state.vibration(v - 1):
                break
            for sigma in 0.5 * (state.multiplicity - 1) - np.arange(state.multiplicity):
                energy = term(molecule, name, v) + state.A * state.Lambda * sigma
                levels.append((1 if state.Lambda == 0 else 2, state.rotation(v)[0], energy))
    return np.array(levels).T


def lowest_energy(molecule: str) -> float:
    """Lowest level of a diatomic, cm-1 (below zero where the ground state is a multiplet)."""
    if molecule not in load_states():
        return 0.0
    ground = load_states()[molecule][GROUND]
    return -0.5 * abs(ground.A) * ground.Lambda * (ground.multiplicity - 1)
