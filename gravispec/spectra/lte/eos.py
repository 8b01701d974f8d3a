"""Equation of state: ionisation of H, He and the metals, and molecular hydrogen, in LTE."""

from dataclasses import dataclass, fields

import numpy as np

from gravispec.spectra.lte.constants import (
    ATOMIC_MASS,
    BOLTZMANN,
    ELECTRON_MASS,
    ELECTRON_VOLT,
    PLANCK,
)
from gravispec.spectra.lte.elements import load_elements, partition_functions

N_ITERATIONS = 60
TOLERANCE = 1e-10  # of ln P_e


@dataclass(frozen=True)
class Gas:
    """State of the gas at each of n_depth depths (cgs)."""

    T: np.ndarray  # (n_depth,) K
    P_gas: np.ndarray  # (n_depth,) dyn cm-2
    P_e: np.ndarray  # (n_depth,) electron pressure, dyn cm-2
    density: np.ndarray  # (n_depth,) g cm-3
    n_H: np.ndarray  # (n_depth,) hydrogen nuclei, cm-3
    n_HI: np.ndarray  # (n_depth,) neutral atoms, cm-3
    n_H2: np.ndarray  # (n_depth,) molecules, cm-3
    abundance: np.ndarray  # (n_el,) per hydrogen nucleus
    ionised: np.ndarray  # (n_el, n_depth) ionised fraction of the atoms
    free: np.ndarray  # (n_el, n_depth) share of the nuclei outside molecules other than H2, set by `chemistry`
    partition: np.ndarray  # (n_el, 2, n_depth)

    def above(self, n: int) -> "Gas":
        """The first `n` depths."""
        state = {field.name: getattr(self, field.name)[..., :n] for field in fields(self)}
        return Gas(**state | {"abundance": self.abundance})


def saha(T: np.ndarray) -> np.ndarray:
    """P_e N(II)/N(I) of every element, (n_el, n_depth) dyn cm-2 (Saha's equation)."""
    partition = partition_functions(T)
    energy = load_elements().ionisation_energy[:, None] * ELECTRON_VOLT
    states = (2.0 * np.pi * ELECTRON_MASS * BOLTZMANN * T / PLANCK**2) ** 1.5 * BOLTZMANN * T
    return 2.0 * states * partition[:, 1] / partition[:, 0] * np.exp(-energy / (BOLTZMANN * T))


def h2_dissociation(T: np.ndarray) -> np.ndarray:
    """P(H)^2 / P(H2), dyn cm-2 (Mihalas 1967, Methods in Computational Physics 7, 1)."""
    theta = 5040.0 / T
    return 10.0 ** (12.533505 + theta * (-4.9251644 + theta * (5.6191273e-2 - 3.2687661e-3 * theta)))


def solve_gas(T: np.ndarray, P_gas: np.ndarray, abundance: np.ndarray, P_e: np.ndarray | None = None) -> Gas:
    """Ionisation and dissociation equilibrium at temperature `T` and pressure `P_gas`, both (n_depth,).

    Newton's method on ln P_e for the charge balance; the total pressure gives the partial pressure of H I, through a
    quadratic equation because of H2. `abundance` (n_el,) per hydrogen nucleus; `P_e` is an optional first guess.
    """
    K = saha(T)
    K_H2 = h2_dissociation(T)
    heavy = abundance[1:, None]  # helium and the metals
    others = heavy.sum()
    P_e = 1e-3 * P_gas if P_e is None else P_e
    for _ in range(N_ITERATIONS):
        # P_gas - P_e = p_HI + p_HII + p_H2 + others * (p_HI + p_HII + 2 p_H2)
        linear = (1.0 + others) * (1.0 + K[0] / P_e)
        quadratic = (1.0 + 2.0 * others) / K_H2
        p_rest = P_gas - P_e
        p_HI = 2.0 * p_rest / (linear + np.sqrt(linear**2 + 4.0 * quadratic * p_rest))
        p_H2 = p_HI**2 / K_H2
        p_HII = p_HI * K[0] / P_e
        p_H = p_HI + p_HII + 2.0 * p_H2
        ionised = K / (K + P_e)
        freed = p_HII + p_H * (heavy * ionised[1:]).sum(axis=0)
        # -dln(freed)/dln(P_e): at fixed pressure of the nuclei, and because the electrons take from it (without H2)
        slope = p_HII * (1.0 - ionised[0]) + p_H * (heavy * ionised[1:] * (1.0 - ionised[1:])).sum(axis=0)
        step = np.log(freed / P_e) / (1.0 + slope / freed + P_e / p_rest)
        P_e = np.minimum(P_e * np.exp(step), 0.6 * P_gas)
        if np.abs(step).max() < TOLERANCE:
            break
    kT = BOLTZMANN * T
    mass = ATOMIC_MASS * (abundance * load_elements().mass).sum()
    return Gas(
        T=T,
        P_gas=P_gas,
        P_e=P_e,
        density=mass * p_H / kT,
        n_H=p_H / kT,
        n_HI=p_HI / kT,
        n_H2=p_H2 / kT,
        abundance=abundance,
        ionised=ionised,
        free=np.ones_like(ionised),
        partition=partition_functions(T),
    )
