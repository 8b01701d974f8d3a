"""Paschen lines of hydrogen, their Stark profiles, and the dissolution of high levels. Wavelengths in vacuum, Angstrom.

Populations follow the occupation probability formalism (Hummer & Mihalas 1988; Daeppen, Anderson & Mihalas 1987): level
n of an atom among charges and neighbours exists with probability w_n. Lines to level m lose the share 1 - w_m, and the
continuum (`opacity.hydrogen`) gains it: the lines merge into the continuum and no edge is left at the series limit.
"""

import math
from functools import cache

import numpy as np

from gravispec.spectra.lte.constants import (
    ATOMIC_MASS,
    BOHR_RADIUS,
    BOLTZMANN,
    ELECTRON_CHARGE,
    ELECTRON_MASS,
    ELECTRON_VOLT,
    LIGHT_SPEED,
    PLANCK,
    RYDBERG_EV,
)
from gravispec.spectra.lte.eos import Gas

RYDBERG_WAVE = 911.763  # Angstrom, limit of the Lyman series
PASCHEN = 3  # lower level
PASCHEN_LIMIT = RYDBERG_WAVE * PASCHEN**2
UPPER_LEVELS = np.arange(10, 41)  # P10 reaches in from 9017 A; beyond 40 nothing survives where the lines form
OFFSETS = np.concatenate([0.2 * np.arange(1, 9), np.geomspace(1.9, 40.0, 13)])  # Angstrom: the grid around a line
# b of the profile 3 b^(-5/2) / (1 + (beta / b)^(5/2)), 3.98: its area is 1, its wings are 3 beta^(-5/2)
STARK_CORE = (3.0 * 0.8 * math.pi / math.sin(0.4 * math.pi)) ** (2.0 / 3.0)
# Its convolution with a Gaussian as a sum of both shapes: fitted to the numerical one, off by 2.5 % of the area
BLEND, CORE_GROWTH, GAUSS_WIDTH = 2.3, 0.85, 7.4


def gaunt_factor(energy: np.ndarray, level: int | np.ndarray) -> np.ndarray:
    """Gaunt factor of absorption from `level` to a bound or free state, photon `energy` in Rydberg.

    Menzel & Pekeris (1935), to first order: 1 - 0.1728 E^(-2/3) (2 / n^2 - E).
    """
    return 1.0 - 0.1728 * energy ** (-2.0 / 3.0) * (2.0 / level**2 - energy)


def occupation_probability(gas: Gas, level: np.ndarray) -> np.ndarray:
    """Probability w_n, (n_depth, n_level), that a level exists; `level` (n_level,) above 3 need not be an integer.

    Charges: Hubeny, Hummer & Lanz 1994 (A&A 282, 151), appendix A. Neutral atoms: hard spheres of the radii
    sqrt(<r^2>), Hummer & Mihalas 1988 (ApJ 331, 794), eq. 4.71.
    """
    n_e = gas.P_e / (BOLTZMANN * gas.T)
    quantum = 16.0 / 3.0 * level / (level + 1.0) ** 2
    critical = 8.3e14 * np.outer(n_e ** (-2.0 / 3.0), quantum / level**4)  # field that destroys it, Holtsmark's units
    correlation = ((1.0 + 0.09 * n_e ** (1.0 / 6.0) / np.sqrt(gas.T)) ** 3.15)[:, None]
    odds = 0.1402 * correlation * critical**3 / (1.0 + 0.1285 * correlation * critical**1.5)
    radius = BOHR_RADIUS * np.sqrt(level**2 * (2.5 * level**2 + 0.5))
    volume = np.outer(gas.n_HI, (radius + 1.73 * BOHR_RADIUS) ** 3)
    volume += np.outer(gas.n_H * gas.abundance[1], (radius + 1.02 * BOHR_RADIUS) ** 3)
    return odds / (1.0 + odds) * np.exp(-4.0 / 3.0 * np.pi * volume)


def dissolved_share(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """Share (n_depth, n_wave) of Paschen photons that ionise: 1 below `PASCHEN_LIMIT`, 1 - w beyond it.

    w is that of the level the photon would reach (Daeppen, Anderson & Mihalas 1987, ApJ 319, 195).
    """
    share = np.ones((gas.T.size, wave.size))
    beyond = wave > PASCHEN_LIMIT
    level = (PASCHEN**-2.0 - RYDBERG_WAVE / wave[beyond]) ** -0.5
    share[:, beyond] = 1.0 - occupation_probability(gas, level)
    return share


def stark_profile(beta: np.ndarray, doppler: np.ndarray) -> np.ndarray:
    """Profile of a high series member, of area 1 over `beta`, the distance in units of K F0; `doppler` likewise.

    Quasi-static ions and electrons (Griem 1960, ApJ 132, 883): wings 2 x 1.5 beta^(-5/2). A closed form joins them to a
    core of the right area, within 20 % of the empirical one of Hubeny, Hummer & Lanz (1994). Radiative, resonance and
    van der Waals broadening are left out: 3 % of the Stark width or less where hydrogen is seen.
    """
    core = (STARK_CORE**BLEND + (CORE_GROWTH * doppler) ** BLEND) ** (1.0 / BLEND)
    stark_share = (STARK_CORE / core) ** 1.5
    gauss = np.sqrt(doppler**2 + GAUSS_WIDTH**2)
    x = np.abs(beta) * (1.0 / core)
    stark = np.sqrt(x)
    stark *= x
    stark *= x
    stark += 1.0
    np.divide(3.0 / core**2.5, stark, out=stark)
    np.multiply(beta, 1.0 / gauss, out=x)
    x *= -x
    np.exp(x, out=x)
    x *= (1.0 - stark_share) / (math.sqrt(math.pi) * gauss)
    stark += x
    return stark


@cache
def line_centres() -> np.ndarray:
    """Wavelengths of the lines, (n_line,), decreasing."""
    return RYDBERG_WAVE / (PASCHEN**-2.0 - UPPER_LEVELS**-2.0)


@cache
def line_grid() -> np.ndarray:
    """Wavelengths, increasing, on which the sum of the lines is smooth: dense at each centre, from the limit to P10."""
    centres = line_centres()
    points = centres[:, None] + np.concatenate([-OFFSETS[::-1], [0.0], OFFSETS])
    nearest = np.abs(points[..., None] - centres).argmin(axis=-1)
    points = points[nearest == np.arange(centres.size)[:, None]]
    return np.unique(points[points > PASCHEN_LIMIT])


def paschen_lines(gas: Gas, v_micro: float, wave: np.ndarray, least: np.ndarray | float = 0.0) -> np.ndarray:
    """Opacity of the Paschen lines, (n_depth, n_wave) cm-1 in single precision, zero below `PASCHEN_LIMIT`.

    `wave` (n_wave,) increasing; `v_micro` km/s; a line ends where it is below `least`, (n_depth,) cm-1, at all depths.
    """
    kT = BOLTZMANN * gas.T
    energy = PASCHEN**-2.0 - UPPER_LEVELS**-2.0  # Rydberg
    centre = line_centres()
    cm = 1e-8 * centre
    f = 32.0 / (3.0 * np.sqrt(3.0) * np.pi) * PASCHEN**-5.0 * (UPPER_LEVELS * energy) ** -3.0
    f *= gaunt_factor(energy, PASCHEN)
    lower = PASCHEN**2 * gas.n_HI * np.exp(-RYDBERG_EV * (1.0 - PASCHEN**-2.0) * ELECTRON_VOLT / kT)
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED / np.outer(kT, cm))
    area = np.pi * ELECTRON_CHARGE**2 / (ELECTRON_MASS * LIGHT_SPEED**2) * cm**2 * f * 1e8
    strength = lower[:, None] * area * stimulated * occupation_probability(gas, UPPER_LEVELS.astype(float))

    n_e = gas.P_e / kT
    holtsmark = 1.25e-9 * n_e ** (2.0 / 3.0)  # normal field strength, esu
    K = 5.5e-5 * (PASCHEN * UPPER_LEVELS) ** 4 / (UPPER_LEVELS**2 - PASCHEN**2)  # Griem 1960, eq. 33
    unit = np.outer(holtsmark, K).astype(np.float32)  # Angstrom
    velocity = np.sqrt(2.0 * kT / ATOMIC_MASS + (1e5 * v_micro) ** 2)
    doppler = np.outer(velocity / LIGHT_SPEED, centre).astype(np.float32) / unit
    scale = (strength / unit).astype(np.float32)
    peak, least = scale * stark_profile(np.zeros_like(unit), doppler), np.reshape(least, (-1, 1))
    wing = unit * (3.0 * scale / np.maximum(least, 1e-99)) ** 0.4  # where the opacity falls below `least`
    half = np.maximum(wing, 4.0 * unit * np.hypot(doppler, GAUSS_WIDTH)).max(axis=0, where=peak > least, initial=0.0)
    opacity = np.zeros((gas.T.size, wave.size), dtype=np.float32)
    for i in np.flatnonzero(half):
        part = slice(*np.searchsorted(wave, [max(PASCHEN_LIMIT, centre[i] - half[i]), centre[i] + half[i]]))
        offset = (wave[part] - centre[i]).astype(np.float32)
        profile = stark_profile(offset * (1.0 / unit[:, [i]]), doppler[:, [i]])
        profile *= scale[:, [i]]
        opacity[:, part] += profile
    return opacity
