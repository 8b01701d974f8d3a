"""Dissociation equilibrium of the molecules that bind C, N, O, Si and Ti (H2 is part of the equation of state)."""

from dataclasses import replace
from functools import cache

import numpy as np

from gravispec.spectra.lte.constants import ATOMIC_MASS, BOLTZMANN, ELECTRON_VOLT, PLANCK
from gravispec.spectra.lte.elements import load_elements
from gravispec.spectra.lte.eos import Gas
from gravispec.spectra.lte.molecules import CM_TO_KELVIN, load_molecules, lowest_energy, partition_function

BOUND = ("C", "N", "O", "Si", "Ti")  # elements whose balance is solved; free hydrogen is given by the gas
N_ITERATIONS = 60
TOLERANCE = 1e-8  # of ln n
MAX_STEP = 3.0  # of ln n
MAX_LOG = 300.0  # of ln n of a molecule, against overflow on the way


def dissociation_constant(molecule: str, T: np.ndarray, partition: np.ndarray) -> np.ndarray:
    """Product of the densities of the free neutral atoms over that of the `molecule`, (n_depth,), powers of cm-3.

    Law of mass action with the partition functions Q of the atoms (`partition`, (n_el, n_depth), neutral) and of the
    molecule: K = prod[(2 pi m_a kT / h^2)^1.5 Q_a] / [(2 pi m kT / h^2)^1.5 Q] exp(-D0 / kT).
    """
    index, D0 = _atoms(molecule)
    kT = BOLTZMANN * T
    per_mass = 2.0 * np.pi * ATOMIC_MASS * kT / PLANCK**2
    masses = load_elements().mass[index]
    translation = per_mass ** (1.5 * (len(index) - 1)) * (masses.prod() / masses.sum()) ** 1.5
    depth = D0 * ELECTRON_VOLT / kT + lowest_energy(molecule) * CM_TO_KELVIN / T
    return translation * partition[index].prod(axis=0) / partition_function(molecule, T) * np.exp(-depth)


@cache
def _atoms(molecule: str) -> tuple[list[int], float]:
    """Indices of the atoms of a molecule among the elements, and its dissociation energy, eV."""
    row = load_molecules().loc[molecule]
    return [load_elements().names.index(name) for name in row["atoms"]], float(row["D0"])


@cache
def _composition() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Molecules, how many atoms of each `BOUND` element they have, (n_mol, n_bound), and of hydrogen, (n_mol,)."""
    atoms = load_molecules()["atoms"]
    count = np.array([[names.count(name) for name in BOUND] for names in atoms], dtype=float)
    return list(atoms.index), count, np.array([names.count("H") for names in atoms])


def equilibrium(gas: Gas) -> tuple[Gas, dict[str, np.ndarray]]:
    """Gas with the share of free atoms set, and the density of every molecule, (n_depth,) cm-3.

    Newton's method on the logarithms of the free neutral densities of the `BOUND` elements: free atoms and ions and
    those in molecules add up to the abundance. What the molecules take from hydrogen is neglected.
    """
    names = load_elements().names
    index = [names.index(name) for name in BOUND]
    total = gas.n_H * gas.abundance[index, None]
    ion_factor = 1.0 / (1.0 - gas.ionised[index])  # atoms and ions per neutral atom
    molecules, count, hydrogen = _composition()
    pairs = np.einsum("mi,mj->mij", count, count).reshape(len(molecules), -1)
    K = np.stack([dissociation_constant(m, gas.T, gas.partition[:, 0]) for m in molecules])
    log_scale = hydrogen[:, None] * np.log(gas.n_HI) - np.log(K)  # (n_mol, n_depth)

    log_free = np.log(total / ion_factor)
    for _ in range(N_ITERATIONS):
        density = np.exp(np.minimum(log_scale + count @ log_free, MAX_LOG))
        free = np.exp(log_free) * ion_factor
        nuclei = free + count.T @ density
        jacobian = (density.T @ pairs).reshape(-1, len(BOUND), len(BOUND))
        jacobian[:, range(len(BOUND)), range(len(BOUND))] += free.T
        jacobian /= nuclei.T[:, :, None]
        step = np.linalg.solve(jacobian, np.log(total / nuclei).T[:, :, None])[:, :, 0].T
        log_free += np.clip(step, -MAX_STEP, MAX_STEP)
        if np.abs(step).max() < TOLERANCE:
            break
    share = np.ones_like(gas.ionised)
    share[index] = np.exp(log_free) * ion_factor / total
    return replace(gas, free=share), dict(zip(molecules, density, strict=True))
