"""Line opacity: Voigt profiles with Doppler, microturbulent, radiative and van der Waals broadening.

`lines.csv` holds the 1,200 strongest atomic lines of 7080-8870 Angstrom, by the largest equivalent width that an
independent code (Turbospectrum) gives them in the Sun, in Arcturus or in a dwarf of 4500 K. It names its sources.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.device import like, namespace
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
from gravispec.spectra.lte.voigt import CORE, voigt_core, voigt_wing
from gravispec.spectra.wavelength import air_to_vacuum

CUTOFF = 1e-4  # of the continuum: where the window of a line ends
FORMATION_DEPTH = 3.0  # continuum optical depth below which no line forms
BATCH_POINTS = 100  # wavelengths of all windows of a batch with NumPy: larger arrays cost page faults
Voigt = Callable[[np.ndarray, np.ndarray], np.ndarray]


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
    def single(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Opacity in the line centre over H(a, 0), cm-1, Doppler width and damping in single precision."""
        scale = self.strength / (np.sqrt(np.pi) * self.doppler)
        return tuple(a.astype(np.float32) for a in (scale, self.doppler, self.damping))


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

    fraction = np.where(stage[:, None] == 0, 1.0 - gas.ionised[element], gas.ionised[element])
    lower = gas.abundance[element, None] * gas.n_H * gas.free[element] * fraction / gas.partition[element, stage]
    lower *= np.exp(-np.outer(E_low, ELECTRON_VOLT / kT) + np.log(10.0) * lines["log_gf"].to_numpy()[:, None])
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED / (cm * kT))
    strength = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2) * cm**2 * lower * stimulated * 1e8

    velocity = np.sqrt(2.0 * kT / (ATOMIC_MASS * elements.mass[element, None]) + (1e5 * v_micro) ** 2)
    doppler = wave[:, None] * velocity / LIGHT_SPEED

    radiative = 10.0 ** lines["log_gamma_rad"].fillna(pd.Series(np.log10(2.2e15 / wave**2), lines.index)).to_numpy()
    unsold = unsold_log_gamma(E_low, wave, elements.ionisation_energy[element], stage + 1)
    per_atom = 10.0 ** lines["log_gamma_vdw"].fillna(pd.Series(unsold, lines.index)).to_numpy()
    # He I and H2 count by their polarisability and mass, as in SME.
    perturbers = gas.n_HI + 0.42 * gas.n_H * gas.abundance[1] + 0.85 * gas.n_H2
    gamma = radiative[:, None] + np.outer(per_atom, perturbers * (gas.T / 1e4) ** 0.3)
    damping = gamma * cm**2 / (4.0 * np.pi * LIGHT_SPEED * 1e-8 * doppler)
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
    add = _add_in_batches if xp is np else _add_at_once
    opacity = xp.zeros((profiles.strength.shape[1], len(wave)), dtype=xp.float32, device=wave.device)
    seen = (half > 0) & (profiles.wave + half > float(wave[0])) & (profiles.wave - half < float(wave[-1]))
    core_window = np.minimum(half, CORE * profiles.doppler.max(axis=1))
    has_wings = half > CORE * profiles.doppler.min(axis=1)
    add(opacity, wave, profiles, np.flatnonzero(seen), core_window, voigt_core)
    add(opacity, wave, profiles, np.flatnonzero(seen & has_wings), half, voigt_wing)
    return opacity


def _add_at_once(
    opacity: np.ndarray, wave: np.ndarray, profiles: LineProfiles, lines: np.ndarray, half: np.ndarray, voigt: Voigt
) -> None:
    """Add `voigt` profiles of the `lines` (indices) to `opacity`, all points of all windows in one tensor."""
    xp = namespace(wave)
    centre = like(profiles.wave[lines], wave)
    first = xp.searchsorted(wave, like((profiles.wave - half)[lines], wave))
    n_points = xp.searchsorted(wave, like((profiles.wave + half)[lines], wave)) - first
    line = xp.repeat_interleave(n_points)  # (n_point,) of `lines`, once for each point of its window
    column = xp.arange(len(line), device=wave.device) + (first - xp.cumsum(n_points, axis=0) + n_points)[line]
    offset = xp.asarray(wave[column] - centre[line], dtype=xp.float32)[:, None]
    scale, doppler, damping = (like(a[lines], wave)[line] for a in profiles.single)  # (n_point, n_depth)
    profile = scale * voigt(damping, offset / doppler)
    opacity.T.index_put_((column,), profile, accumulate=True)  # CUDA sorts: the order of the sum is fixed


def _add_in_batches(
    opacity: np.ndarray, wave: np.ndarray, profiles: LineProfiles, lines: np.ndarray, half: np.ndarray, voigt: Voigt
) -> None:
    """Add `voigt` profiles of the `lines` (indices) to `opacity`, in batches of lines with windows alike."""
    first = np.searchsorted(wave, (profiles.wave - half)[lines])
    n_points = np.searchsorted(wave, (profiles.wave + half)[lines]) - first
    scale, doppler, damping = profiles.single
    order = np.argsort(n_points, kind="stable")
    begin = 0
    while begin < order.size:
        batch = order[begin : begin + max(1, BATCH_POINTS // max(1, n_points[order[begin]]))]
        begin += batch.size
        line = lines[batch]
        columns = first[batch][:, None] + np.arange(n_points[batch[-1]])
        offset = wave[np.minimum(columns, wave.size - 1)] - profiles.wave[line, None]
        v = offset.astype(np.float32)[:, None, :] / doppler[line, :, None]
        block = scale[line, :, None] * voigt(damping[line, :, None], v)
        for start, n, profile in zip(first[batch], n_points[batch], block, strict=True):
            opacity[:, start : start + n] += profile[:, :n]
