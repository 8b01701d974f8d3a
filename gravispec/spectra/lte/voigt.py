"""Voigt function H(a, v) fast enough for a million points a model, in single precision; NumPy arrays or tensors."""

import numpy as np

from gravispec.device import namespace

# Hui, Armstrong & Wray 1978 (JQSRT 19, 509), rational approximation of w(z) with p = 6, lowest order first.
NUMERATOR = (122.607931777104326, 214.382388694706425, 181.928533092181549, 93.155580458138441, 30.180142196210589)
NUMERATOR += (5.912626209773153, 0.564189583562615)
DENOMINATOR = (122.607931773875350, 352.730625110963558, 457.334478783897737, 348.703917719495792, 170.354001821091472)
DENOMINATOR += (53.992906912940207, 10.479857114260399, 1.0)
CORE = 8.0  # Doppler widths; beyond, the asymptotic series is good to 1e-3


def voigt_core(a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """H(a, v) to 5e-6 for |v| below `CORE`, zero beyond."""
    xp = namespace(v)
    z = xp.empty(np.broadcast_shapes(a.shape, v.shape), dtype=xp.complex64, device=v.device)
    z.real, z.imag = a, -v
    return xp.where(abs(v) < CORE, (_polynomial(NUMERATOR, z) / _polynomial(DENOMINATOR, z)).real, 0.0)


def voigt_wing(a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """H(a, v) for |v| of at least `CORE`: a / sqrt(pi) (1/v^2 + 3/2 1/v^4); zero closer to the centre."""
    inverse = 1.0 / namespace(v).where(abs(v) < CORE, np.inf, v) ** 2
    return float(1.0 / np.sqrt(np.pi)) * a * inverse * (1.0 + 1.5 * inverse)


def _polynomial(coefficients: tuple[float, ...], z: np.ndarray) -> np.ndarray:
    total = namespace(z).full_like(z, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= z
        total += c
    return total
