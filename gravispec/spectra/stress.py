"""What observations do to a spectrum and training spectra do not have: velocities, other widths of lines, sky, dust.

Every function takes flux (m, P) on the pixels ``wave`` (P,), Å, vacuum, and returns flux (m, P) float64.
"""

import numpy as np
from scipy.constants import c
from scipy.interpolate import CubicSpline
from scipy.special import j1, spherical_jn

from gravispec.errors import InputError
from gravispec.spectra.instrument import FWHM_PER_SIGMA, pixel_edges
from gravispec.spectra.observing import reference_electrons
from gravispec.spectra.streams import generator, stream_entropy

LIGHT = c / 1e3  # km/s
LIMB_DARKENING = 0.6  # linear coefficient, cool stars in the red
PAD = 64  # pixels mirrored at both ends
FLOOR = 1e-4  # frequencies that the line spread function leaves less of are not sharpened
# Variance of the background that is not sky: 12 exposures, 5 pixels across the trace, 4 e⁻ read noise and 1e-4 e⁻/s
# dark current for 900 s, times the scale of the noise table; in a pixel of 0.42725 Å.
NOT_SKY = 0.938 * 12 * 5 * (4.0**2 + 900 * 1e-4) / 0.42725  # electrons / Å
STRONG = 3.0  # sky lines are where the sky has more than this many times its median

CORES = (8500.36, 8544.44, 8664.52)  # Å, vacuum: Ca II
HALF_CORE = 3.0  # Å

R_V = 3.1  # diffuse interstellar medium
# powers of y = x - 1.82, x in μm⁻¹: their equations 3a and 3b
OPTICAL_A = (1.0, 0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999)
OPTICAL_B = (0.0, 1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002)


def shifted(flux, wave, velocity):
    """The star recedes faster by ``velocity``, km/s; cubic spline, the end pixels repeated beyond the ends."""
    source = np.clip(wave / (1 + velocity / LIGHT), wave[0], wave[-1])
    return CubicSpline(wave, flux, axis=1)(source)


def rotated(flux, wave, vsini):
    """Rotation by ``vsini``, km/s, of a star with linear limb darkening (Gray 2005, eq. 18.14, its Fourier transform).

    The profile is convolved in ln λ; that the spectrograph's blurring came first does not matter over so few pixels.
    """

    return filtered(flux, np.log(wave), lambda frequency: rotation_transfer(frequency, vsini))


def rotation_transfer(frequency, vsini):
    """Fourier transform of the rotation profile at frequencies of ln λ; arrays of both are broadcast."""
    s = 2 * np.pi * frequency * vsini / LIGHT
    s = np.where(s == 0, 1e-9, s)
    disc, dark = (1 - LIMB_DARKENING) * 2 * j1(s) / s, LIMB_DARKENING * 2 * spherical_jn(1, s) / s
    return (disc + dark) / (1 - LIMB_DARKENING / 3)


def resolved(flux, wave, fwhm, factor):
    """``factor``, one or (m, 1), times the resolution of a Gaussian line spread function of ``fwhm``, Å.

    Raises:
        InputError: ``fwhm`` is None.
    """
    if fwhm is None:
        raise InputError("the width of the line spread function is not known: give fwhm of the data set")
    sigma = fwhm / FWHM_PER_SIGMA

    def transfer(frequency):
        exponent = 2 * (np.pi * frequency * sigma) ** 2
        keep = exponent < -np.log(FLOOR)
        return np.exp(np.where(keep, exponent * (1 - factor**-2), 0))

    return filtered(flux, wave, transfer)


def reddened(flux, wave, colour_excess):
    """Dust of E(B-V) = ``colour_excess``, mag."""
    return flux * 10 ** (-0.4 * R_V * colour_excess * extinction(wave))


def extinction(wave):
    """A(λ) / A(V) (P,) at vacuum wavelengths (P,), Å, of Cardelli, Clayton & Mathis (1989, ApJ 345, 245).

    Raises:
        InputError: a wavelength outside 3031-33333 Å.
    """
    x = 1e4 / np.asarray(wave, float)
    if not ((x >= 0.3) & (x <= 3.3)).all():
        raise InputError(f"wave: {np.min(wave):.0f}-{np.max(wave):.0f} Å leaves the extinction curve, 3031-33333 Å")
    infrared = x < 1.1
    a = np.where(infrared, 0.574 * x**1.61, np.polynomial.Polynomial(OPTICAL_A)(x - 1.82))
    b = np.where(infrared, -0.527 * x**1.61, np.polynomial.Polynomial(OPTICAL_B)(x - 1.82))
    return a + b / R_V


def tilted(flux, wave, slope):
    """A straight line in λ: from 1 - slope / 2 at the first pixel to 1 + slope / 2 at the last."""
    return flux * (1 + slope * ((wave - wave[0]) / (wave[-1] - wave[0]) - 0.5))


def core_pixels(wave):
    """(P,) bool: pixels within `HALF_CORE` of the centre of a Ca II line."""
    return (np.abs(wave[:, None] - CORES) <= HALF_CORE).any(axis=1)


def filled(flux, inside, share):
    """Absorption at the pixels ``inside`` (P,) bool, below a continuum of 1, weaker by ``share``."""
    return flux + share * inside * (1 - flux)


def with_sky(flux, wave, error, share, *, seed, rows):
    """Residuals of sky lines, Gaussian with standard deviation ``share`` of the sky, added to flux of median 1.

    One draw a line of each star: wrong scale, right profile. A line is a run of pixels where the sky exceeds `STRONG`
    times its median. The sky is the background of the PFS noise table without read noise and dark current. ``error``
    (m, P), at noise level 1, tells the flux of an electron, k: 1 / k electrons of star and B of background give
    error² = k² (1 / k + B). ``rows`` (m,) of the test split name the random streams.

    Raises:
        InputError: pixels outside the noise table.
    """
    background = reference_electrons(wave)[1]
    sky = np.maximum(background - NOT_SKY * np.diff(pixel_edges(wave)), 0)
    line = line_of_pixel(sky)
    flux_of_electron = (np.sqrt(1 + 4 * background * error.astype(np.float64) ** 2) - 1) / (2 * background)
    entropy = stream_entropy(seed=seed, keys=("sky residuals", "test"))
    draws = np.stack([generator(entropy, row=int(row)).standard_normal(line.max() + 1) for row in rows])
    return flux + np.where(line >= 0, share * draws[:, line] * sky * flux_of_electron, 0)


def line_of_pixel(sky):
    """Number of the sky line that each pixel (P,) belongs to, counted from 0; -1 between lines."""
    strong = sky > STRONG * np.median(sky)
    first = strong & ~np.concatenate([[False], strong[:-1]])
    return np.where(strong, np.cumsum(first) - 1, -1)


def filtered(flux, x, transfer):
    """``flux`` (m, P) convolved along ``x`` (P,) with a kernel of Fourier transform ``transfer(frequency)``.

    That is (F,) or (m, F). The pixels are brought to equal steps in x, the smallest there are, by a cubic spline, and
    back; mirrored ends.
    """
    step = np.diff(x).min()
    even = np.linspace(x[0], x[-1], int(np.ceil((x[-1] - x[0]) / step * (1 - 1e-9))) + 1)
    padded = np.pad(CubicSpline(x, flux, axis=1)(even), ((0, 0), (PAD, PAD)), mode="reflect")
    frequency = np.fft.rfftfreq(padded.shape[1], even[1] - even[0])
    blurred = np.fft.irfft(np.fft.rfft(padded) * transfer(frequency), padded.shape[1])
    return CubicSpline(even, blurred[:, PAD:-PAD], axis=1)(x)
