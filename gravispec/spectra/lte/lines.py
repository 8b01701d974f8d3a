"""Line opacity: Voigt profiles with Doppler, microturbulent, radiative and van der Waals broadening.

`lines.csv` holds the 1,200 strongest atomic lines of 7080-8870 Angstrom, by the largest equivalent width that an
independent code (Turbospectrum) gives them in the Sun, in Arcturus or in a dwarf of 4500 K. It names its sources.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from gravispec.device import host, like, namespace
from gravispec.errors import InputError
from gravispec.spectra.lte.constants import (
    ATOMIC_MASS,
    BOLTZMANN,
    ELECTRON_CHARGE,
    ELECTRON_MASS,
    ELECTRON_VOLT,
    LIGHT_SPEED,
    PLANCK,
)
from gravispec.spectra.lte.elements import STAGES, load_elements
from gravispec.spectra.lte.eos import Gas
from gravispec.spectra.lte.voigt import CORE, voigt
from gravispec.spectra.wavelength import air_to_vacuum

CUTOFF = 1e-4  # of the continuum: where the window of a line ends
FORMATION_DEPTH = 3.0  # continuum optical depth below which no line forms


@cache
def load_lines() -> pd.DataFrame:
    """The line table that comes with this module."""
    return pd.read_csv(Path(__file__).with_name("lines.csv"), comment="#")


def unsold_log_gamma(
    E_low: np.ndarray, wave: np.ndarray, ionisation_energy: np.ndarray, charge: np.ndarray
) -> np.ndarray:
    """log10 of the van der Waals width per hydrogen atom at 10,000 K, s-1 cm3: gamma = 17 v^0.6 C6^0.4 (Unsoeld 1955).

    C6 = 0.3e-30 charge^2 (1/(I - E_up)^2 - 1/(I - E_low)^2) as in Gray (2005, ch. 11). `E_low`, `ionisation_energy`
    eV; `wave` Angstrom; `charge` 1 for neutral atoms, 2 for ions. Upper levels count as 0.3 eV or more below the limit.
    """
    gap_low = ionisation_energy - E_low
    gap_up = np.maximum(gap_low - PLANCK * LIGHT_SPEED * 1e8 / ELECTRON_VOLT / wave, 0.3)
    C6 = 0.3e-30 * charge**2 * (gap_up**-2 - gap_low**-2)
    speed = np.sqrt(8.0 * BOLTZMANN * 1e4 / (np.pi * ATOMIC_MASS))  # of hydrogen, past a heavy atom
    return np.log10(17.0 * speed**0.6 * C6**0.4)


@dataclass(frozen=True)
class LineProfiles:
    """What the opacity of n_line lines needs at n_depth depths."""

    wave: np.ndarray  # (n_line,) vacuum, Angstrom
    strength: np.ndarray  # (n_line, n_depth) integral of the opacity over wavelength, cm-1 A
    doppler: np.ndarray  # (n_line, n_depth) Doppler width, Angstrom
    damping: np.ndarray  # (n_line, n_depth) Voigt's a

    @cached_property
    def core(self) -> np.ndarray:
        """Distance (n_line,), Angstrom, from which on the profile is its wing at all depths."""
        return CORE * self.doppler.max(axis=1)

    @cached_property
    def single(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Opacity in the line centre over H(a, 0), cm-1, 1 / Doppler width and damping in single precision."""
        scale = self.strength / (np.sqrt(np.pi) * self.doppler)
        return tuple(a.astype(np.float32) for a in (scale, 1.0 / self.doppler, self.damping))

    @cached_property
    def wings(self) -> np.ndarray:
        """Coefficients (2, n_line, n_depth) of distance^-2 and distance^-4 in the wings, single precision.

        H(a, v) = a / sqrt(pi) (1/v^2 + 3/2 1/v^4).
        """
        first = self.strength * self.damping * self.doppler / np.pi
        return np.stack([first, 1.5 * first * self.doppler**2]).astype(np.float32)


def line_profiles(lines: pd.DataFrame, gas: Gas, v_micro: float) -> LineProfiles:
    """Strength and broadening of every line at every depth; `v_micro` km/s.

    `lines` has the columns of `lines.csv`, of which `source` is not used. Raises InputError for an unknown species.
    """
    elements = load_elements()
    species = {f"{name} {stage}": (i, k) for i, name in enumerate(elements.names) for k, stage in enumerate(STAGES)}
    names = lines["species"].tolist()
    if unknown := set(names) - set(species):
        raise InputError(f"line_list: species {min(unknown)!r} is not known; leave out its lines")
    element, stage = np.array([species[name] for name in names], dtype=int).reshape(-1, 2).T
    wave = air_to_vacuum(lines["wave_air"].to_numpy())
    cm = 1e-8 * wave[:, None]
    kT = BOLTZMANN * gas.T
    E_low = lines["E_low"].to_numpy()

    fraction = np.stack([1.0 - gas.ionised, gas.ionised], axis=1)
    lower = (gas.n_H * gas.abundance[:, None] * gas.free)[:, None] * fraction / gas.partition  # (n_el, 2, n_depth)
    boltzmann = np.exp(-np.outer(E_low, ELECTRON_VOLT / kT) + np.log(10.0) * lines["log_gf"].to_numpy()[:, None])
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED / (cm * kT))
    area = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2) * cm**2 * 1e8
    strength = lower[element, stage] * boltzmann * stimulated * area

    velocity = np.sqrt(2.0 * kT / (ATOMIC_MASS * elements.mass[:, None]) + (1e5 * v_micro) ** 2)  # (n_el, n_depth)
    doppler = velocity[element] * (wave[:, None] / LIGHT_SPEED)

    radiative = 10.0 ** lines["log_gamma_rad"].fillna(pd.Series(np.log10(2.2e15 / wave**2), lines.index)).to_numpy()
    unsold = unsold_log_gamma(E_low, wave, elements.ionisation_energy[element], stage + 1)
    per_atom = 10.0 ** lines["log_gamma_vdw"].fillna(pd.Series(unsold, lines.index)).to_numpy()
    # He I and H2 count by their polarisability and mass, as in SME.
    perturbers = gas.n_HI + 0.42 * gas.n_H * gas.abundance[1] + 0.85 * gas.n_H2
    gamma = radiative[:, None] + np.outer(per_atom, perturbers * (gas.T / 1e4) ** 0.3)
    gamma *= cm**2 / (4.0 * np.pi * LIGHT_SPEED * 1e-8)
    damping = gamma / doppler
    return LineProfiles(wave, strength, doppler, damping)


def half_windows(profiles: LineProfiles, continuum: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Distance (n_line,), Angstrom, beyond which a line does not matter.

    There its opacity is below `CUTOFF` of the `continuum` opacity below continuum optical `depth` 1, and higher up adds
    less than `CUTOFF` to the optical depth; both (n_line, n_depth), at the line centres. Layers below `FORMATION_DEPTH`
    do not count.
    """
    weight = np.where(depth < FORMATION_DEPTH, np.minimum(depth, 1.0), 0.0)
    excess = weight * profiles.strength / (np.sqrt(np.pi) * profiles.doppler * CUTOFF * continuum)
    core = profiles.doppler * np.sqrt(np.log(np.maximum(excess, 1.0)))
    wing = profiles.doppler * np.sqrt(excess * profiles.damping / np.sqrt(np.pi))
    return np.where(excess > 1.0, np.maximum(core, wing), 0.0).max(axis=1)


def line_opacity(profiles: LineProfiles, half: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Sum of the lines, (n_depth, n_wave) cm-1 in single precision, each inside its window `half` (n_line,) Angstrom.

    `wave` (n_wave,) Angstrom, increasing; if it is a tensor, so is the result.
    """
    xp = namespace(wave)
    at = host(wave)
    line = np.flatnonzero((half > 0) & (profiles.wave + half > at[0]) & (profiles.wave - half < at[-1]))
    centre, half, core = profiles.wave[line], half[line], np.minimum(half, profiles.core)[line]
    first, start, stop, last = (np.searchsorted(at, centre + reach) for reach in (-half, -core, core, half))

    point = np.repeat(np.arange(line.size), stop - start)  # (n_point,), a line once for each wavelength of its core
    column = np.arange(point.size) + (start - np.cumsum(stop - start) + stop - start)[point]
    scale, per_doppler, damping = (like(a[line][point], wave) for a in profiles.single)  # (n_point, n_depth)
    offset = like((at[column] - centre[point]).astype(np.float32)[:, None], wave)
    profile = scale * voigt(damping, offset * per_doppler)
    opacity = _sum_at(column, profile, at.size)

    winged = np.flatnonzero(last - first > stop - start)
    if winged.size:
        first, start, stop, last = (
            like(ends[winged, None].astype(np.int32), wave) for ends in (first, start, stop, last)
        )
        column = xp.arange(at.size, dtype=xp.int32, device=wave.device)
        outside = (column < first) | (column >= last) | ((column >= start) & (column < stop))
        distance = xp.asarray(wave - like(centre[winged, None], wave), dtype=xp.float32)
        inverse = 1.0 / xp.where(outside, np.inf, distance)
        inverse *= inverse
        powers = xp.concatenate([inverse, inverse * inverse])
        opacity += powers.T @ like(profiles.wings[:, line[winged]].reshape(powers.shape[0], -1), wave)
    return opacity.T


def _sum_at(column: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """(n, n_depth): sums of the `rows` (m, n_depth) that have the same `column` (m,), NumPy's; in a fixed order."""
    if namespace(rows) is np:
        ones, ends = np.ones(column.size, dtype=rows.dtype), np.arange(column.size + 1)
        return sparse.csc_array((ones, column, ends), shape=(n, column.size)) @ rows
    sums = rows.new_zeros((n, rows.shape[1]))
    return sums.index_put_((like(column, rows),), rows, accumulate=True)  # CUDA sorts
