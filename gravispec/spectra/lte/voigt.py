"""Voigt function H(a, v) fast enough for a million points a model, in single precision; NumPy arrays or tensors."""

import numpy as np

# Hui, Armstrong & Wray 1978 (JQSRT 19, 509), rational approximation of w(z) with p = 6, lowest order first.
NUMERATOR = (122.607931777104326, 214.382388694706425, 181.928533092181549, 93.155580458138441, 30.180142196210589)
NUMERATOR += (5.912626209773153, 0.564189583562615)
DENOMINATOR = (122.607931773875350, 352.730625110963558, 457.334478783897737, 348.703917719495792, 170.354001821091472)
DENOMINATOR += (53.992906912940207, 10.479857114260399, 1.0)
CORE = 8.0  # Doppler widths; beyond, the asymptotic series is good to 1e-3


def voigt(a: np.ndarray, v: np.ndarray) -> np.ndarray:
    """H(a, v) to 5e-6, the real part of a ratio of polynomials in z = a - iv; `a` and `v` have one shape.

    From `CORE` on the asymptotic series is better.
    """
    twice, v2 = 2.0 * a, v * v
    square = a * a + v2
    real, slope = _real_and_slope(NUMERATOR, a, twice, square)
    real_below, slope_below = _real_and_slope(DENOMINATOR, a, twice, square)
    slope *= v2
    slope *= slope_below
    real *= real_below
    real += slope
    slope_below *= slope_below
    slope_below *= v2
    real_below *= real_below
    real_below += slope_below
    real /= real_below
    return real


def _real_and_slope(
    coefficients: tuple[float, ...], a: np.ndarray, twice: np.ndarray, square: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Re p(z) and Im p(z) / Im z of a polynomial p with `twice` = 2 Re z, `square` = |z|^2, by real arithmetic.

    Division by (x - z)(x - z*) leaves b x + c: p(z) = b z + c (Knuth 1997, section 4.6.4, eq. 3).
    """
    before, b = coefficients[-1], twice * coefficients[-1]
    b += coefficients[-2]
    for c in coefficients[-3:0:-1]:
        before = square * before
        after = twice * b
        after -= before
        after += c
        before, b = b, after
    real = a * b
    before *= square
    real -= before
    real += coefficients[0]
    return real, b
