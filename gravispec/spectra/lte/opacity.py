"""Continuous opacity: sum of absorbers, each a function of the gas and the wavelength, cm-1, (n_depth, n_wave).

Scattering is added to the true absorption (the source function is Planck's). Wavelengths in vacuum, Angstrom.
"""

import numpy as np

from gravispec.spectra.lte.constants import BOLTZMANN, ELECTRON_VOLT, LIGHT_SPEED, PLANCK, RYDBERG_EV
from gravispec.spectra.lte.eos import Gas
from gravispec.spectra.lte.hydrogen_lines import PASCHEN, RYDBERG_WAVE, dissolved_share, gaunt_factor

THOMSON = 6.6524587e-25  # cm2
H_MINUS_THRESHOLD = 1.6419  # micron
REDWARD = 9500.0  # Angstrom: beyond, no Paschen level is dissolved

# John 1988, A&A 193, 189, table 2 (bound-free) and table 3a (free-free, beyond 0.3645 micron; columns A to F).
H_MINUS_BF = (152.519, 49.534, -118.858, 92.536, -34.194, 4.982)
H_MINUS_FF = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [2483.346, 285.827, -2054.291, 2827.776, -1341.537, 208.952],
        [-3449.889, -1158.382, 8746.523, -11485.632, 5303.609, -812.939],
        [2200.040, 2427.719, -13651.105, 16755.524, -7510.494, 1132.738],
        [-696.271, -1841.400, 8624.970, -10051.530, 4400.067, -655.020],
        [88.283, 444.517, -1863.864, 2095.288, -901.788, 132.985],
    ]
)


def h_minus_bound_free(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """H- bound-free (John 1988, table 2), stimulated emission included; `wave` 1250-16419 Angstrom."""
    micron = wave * 1e-4
    T = gas.T[:, None]
    x = np.maximum(1.0 / micron - 1.0 / H_MINUS_THRESHOLD, 0.0)
    f = sum(c * x ** (0.5 * k) for k, c in enumerate(H_MINUS_BF))
    cross_section = 1e-18 * micron**3 * x**1.5 * f
    alpha = 1e4 * PLANCK * LIGHT_SPEED / BOLTZMANN
    boltzmann = np.exp(alpha / (H_MINUS_THRESHOLD * T)) * -np.expm1(-alpha / (micron * T))
    return 0.750 * T**-2.5 * boltzmann * cross_section * (gas.P_e * gas.n_HI)[:, None]


def h_minus_free_free(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """H- free-free (John 1988, table 3a), stimulated emission included.

    For `wave` beyond 3645 Angstrom; down to 3000 it is extrapolated, and small beside bound-free.
    """
    micron = wave * 1e-4
    terms = H_MINUS_FF @ np.stack([micron**2, *(micron**-k for k in range(5))])  # (6, n_wave)
    powers = (5040.0 / gas.T[:, None]) ** (0.5 * np.arange(2, 8))  # (n_depth, 6)
    return 1e-29 * powers @ terms * (gas.P_e * gas.n_HI)[:, None]


def hydrogen(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """H I bound-free and free-free: Kramers' cross-sections, Gaunt factors of bound-free (Gray 2005, ch. 8).

    Beyond the Paschen limit dissolved levels carry on the continuum (`hydrogen_lines`).
    """
    kT = (BOLTZMANN * gas.T / ELECTRON_VOLT)[:, None]  # eV
    levels = np.arange(1, 9)
    energy = RYDBERG_EV * (1.0 - 1.0 / levels**2)
    photon = RYDBERG_WAVE / wave[:, None]  # Rydberg
    cross_section = gaunt_factor(photon, levels) / levels**3
    ionising = photon >= levels**-2.0
    bound_free = np.exp(-energy / kT) @ (ionising * cross_section).T
    paschen = np.flatnonzero((wave > RYDBERG_WAVE * PASCHEN**2) & (wave < REDWARD))
    if paschen.size:
        dissolved = dissolved_share(gas, wave[paschen]) * cross_section[paschen, PASCHEN - 1]
        bound_free[:, paschen] += np.exp(-energy[PASCHEN - 1] / kT) * dissolved
    # The levels beyond, as an integral from n = 8.5, and free-free together (Gray 2005, ch. 8).
    high = 0.5 * kT / RYDBERG_EV * np.exp(-RYDBERG_EV * (1.0 - 1.0 / 8.5**2) / kT)
    stimulated = -np.expm1(-PLANCK * LIGHT_SPEED * 1e8 / (wave * BOLTZMANN * gas.T[:, None]))
    return 1.0449e-26 * wave**3 * (bound_free + high) * stimulated * gas.n_HI[:, None]


def rayleigh(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """Rayleigh scattering by H I and H2 (Dalgarno; Dalgarno & Williams 1962) and He I, as in ATLAS (Kurucz 1970)."""
    w2 = wave**-2.0
    H = w2**2 * (5.799e-13 + w2 * (1.422e-6 + w2 * 2.784))
    H2 = w2**2 * (8.14e-13 + w2 * (1.28e-6 + w2 * 1.61))
    He = 5.484e-14 * w2**2 * (1.0 + (2.44e5 + 5.94e10 / (wave**2 - 2.90e5)) * w2) ** 2
    n_He = gas.n_H * gas.abundance[1]
    return np.outer(gas.n_HI, H) + np.outer(gas.n_H2, H2) + np.outer(n_He, He)


def thomson(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """Scattering by free electrons."""
    return np.repeat((THOMSON * gas.P_e / (BOLTZMANN * gas.T))[:, None], wave.size, axis=1)


def continuous_opacity(gas: Gas, wave: np.ndarray) -> np.ndarray:
    """Sum of all continuous absorbers, (n_depth, n_wave) cm-1; `wave` (n_wave,) Angstrom, beyond 3000.

    Metals and molecules are left out: they matter in the ultraviolet.
    """
    absorbers = (h_minus_bound_free, h_minus_free_free, hydrogen, rayleigh, thomson)
    return sum(absorber(gas, wave) for absorber in absorbers)
