"""Wavelengths in air and vacuum."""

import numpy as np


def vacuum_to_air(wave: np.ndarray) -> np.ndarray:
    """Air wavelength (Angstrom) of a vacuum wavelength beyond 2000 Angstrom.

    Refractive index of standard air of Morton (2000, ApJS 130, 403, eq. 8), after Birch & Downs (1994), as in VALD3.
    """
    s2 = (1e4 / np.asarray(wave, dtype=float)) ** 2
    return wave / (1.0 + 8.34254e-5 + 2.406147e-2 / (130.0 - s2) + 1.5998e-4 / (38.9 - s2))


def air_to_vacuum(wave: np.ndarray) -> np.ndarray:
    """Vacuum wavelength (Angstrom) of an air wavelength beyond 2000 Angstrom.

    N. Piskunov's inverse of Morton's formula, as in VALD3; the round trip closes to 1e-4 Angstrom or better.
    """
    s2 = (1e4 / np.asarray(wave, dtype=float)) ** 2
    n = 1.0 + 8.336624212083e-5 + 2.408926869968e-2 / (130.1065924522 - s2) + 1.599740894897e-4 / (38.92568793293 - s2)
    return wave * n


def to_vacuum(wave: np.ndarray, medium: str) -> np.ndarray:
    """Vacuum wavelength (Angstrom) of wavelengths whose `medium` is "air" or "vacuum"."""
    return air_to_vacuum(wave) if medium == "air" else np.asarray(wave, dtype=float)
