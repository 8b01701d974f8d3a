"""Atoms: abundances, masses, ionisation energies and partition functions.

The numbers and their sources are in `elements.csv`: solar abundances of Asplund et al. (2009), partition functions of
Irwin (1981). Only the neutral and the singly ionised stage are kept: second ionisation of the metals (beyond 11.9 eV)
does not matter where lines and continua of these stars form.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

ALPHA_ELEMENTS = ("O", "Mg", "Si", "S", "Ca", "Ti")
STAGES = ("I", "II")


@dataclass(frozen=True)
class Elements:
    """Arrays over the n_el elements, hydrogen first and helium second."""

    names: tuple[str, ...]
    mass: np.ndarray  # (n_el,) atomic mass units
    log_abundance: np.ndarray  # (n_el,) solar log10(N/N_H) + 12
    ionisation_energy: np.ndarray  # (n_el,) eV, of the neutral atom
    partition_coefficients: np.ndarray  # (n_el, 2, 6) ln U = sum_k c_k (ln T)^k


@cache
def load_elements() -> Elements:
    """Read the table that comes with this module."""
    table = pd.read_csv(Path(__file__).with_name("elements.csv"), comment="#")
    coefficients = [[table[f"u{stage}_{k}"] for k in range(6)] for stage in (1, 2)]
    return Elements(
        names=tuple(table["element"]),
        mass=table["mass"].to_numpy(),
        log_abundance=table["abundance"].to_numpy(),
        ionisation_energy=table["ionisation_energy"].to_numpy(),
        partition_coefficients=np.moveaxis(np.array(coefficients), -1, 0),
    )


def abundances(M_H: float, a_M: float = 0.0, C_M: float = 0.0, N_M: float = 0.0) -> np.ndarray:
    """Number of atoms per hydrogen nucleus, (n_el,), of the scaled solar mixture.

    Everything heavier than helium scales with `M_H` (dex); O, Mg, Si, S, Ca and Ti also with `a_M`, C with `C_M` and N
    with `N_M`.
    """
    elements = load_elements()
    shift = np.full(len(elements.names), float(M_H))
    shift[:2] = 0.0
    shift[[elements.names.index(name) for name in ALPHA_ELEMENTS]] += a_M
    shift[elements.names.index("C")] += C_M
    shift[elements.names.index("N")] += N_M
    return 10.0 ** (elements.log_abundance - 12.0 + shift)


def partition_functions(T: np.ndarray) -> np.ndarray:
    """U(T) of every element, (n_el, 2, n_depth): neutral and singly ionised; `T` (n_depth,) K, 1000-16000."""
    powers = np.log(T) ** np.arange(6)[:, None]
    return np.exp(load_elements().partition_coefficients @ powers)
