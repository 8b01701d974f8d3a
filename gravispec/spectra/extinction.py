"""Interstellar extinction of Cardelli, Clayton & Mathis (1989, ApJ 345, 245)."""

import numpy as np

from gravispec.errors import InputError

R_V = 3.1  # diffuse interstellar medium
# powers of y = x - 1.82, x in μm⁻¹: their equations 3a and 3b
OPTICAL_A = (1.0, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999)
OPTICAL_B = (0.0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002)


def extinction(wave: np.ndarray, *, r_v: float = R_V) -> np.ndarray:
    """A(λ) / A(V) (P,) at vacuum wavelengths (P,), Å: their equations 1 to 3, infrared and optical.

    Raises:
        InputError: a wavelength outside 3031-33333 Å.
    """
    x = 1e4 / np.asarray(wave, float)
    if not ((x >= 0.3) & (x <= 3.3)).all():
        raise InputError(f"wave: {np.min(wave):.0f}-{np.max(wave):.0f} Å leaves the extinction curve, 3031-33333 Å")
    infrared = x < 1.1
    a = np.where(infrared, 0.574 * x**1.61, np.polynomial.Polynomial(OPTICAL_A)(x - 1.82))
    b = np.where(infrared, -0.527 * x**1.61, np.polynomial.Polynomial(OPTICAL_B)(x - 1.82))
    return a + b / r_v
