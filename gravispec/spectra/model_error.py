"""What model spectra are wrong by: one more noise, which errors do not tell of, in training and in likelihoods.

Of every pixel, more in the cores of Ca II (`model_sigma`), and smooth (`smooth_errors`), as that of flux calibration,
of the continuum and of molecular bands. Sizes are keys of ``nuisances:`` of a data set, in units of the median flux.
"""

import numpy as np

from gravispec.spectra import stress
from gravispec.spectra.instrument import FWHM_PER_SIGMA
from gravispec.spectra.streams import generator, stream_entropy

SMOOTH = 50.0  # Å, over which the smooth errors vary
HALF_CORE_NLTE = 1.5  # Å, where chromospheres and NLTE change Ca II (Busà et al. 2007, A&A 466, 1089)


def model_sigma(wave, fwhm, scales):
    """(P,) 1σ of what model spectra are wrong by, of the median flux: everywhere, and more in the cores of Ca II.

    These are as wide as `HALF_CORE_NLTE` and the line spread function of ``fwhm``, Å, make them.
    """
    width = np.hypot(HALF_CORE_NLTE / 2, fwhm / FWHM_PER_SIGMA)
    cores = np.exp(-0.5 * ((wave[:, None] - stress.CORES) / width) ** 2).sum(axis=1)
    return np.hypot(scales["model_error"], scales["core_error"] * cores)


def smooth_errors(wave, scales):
    """(P, R) functions of which model spectra lack a sum with normal factors: Gaussians of `SMOOTH`, as far apart.

    Its 1σ is ``smooth`` of the median flux at every pixel.
    """
    centres = np.arange(wave[0] - 2 * SMOOTH, wave[-1] + 2 * SMOOTH, SMOOTH)
    bumps = np.exp(-0.5 * ((wave[:, None] - centres) / SMOOTH) ** 2)
    return scales["smooth"] / np.sqrt(np.square(bumps).sum(axis=1, keepdims=True)) * bumps


def with_model_error(flux, wave, fwhm, scales, *, seed, split, rows):
    """Flux (m, P) float32 with a draw of what model spectra are wrong by, the same at every noise level.

    ``rows`` (m,) of the split name the random streams.
    """
    sigma, smooth = model_sigma(wave, fwhm, scales), smooth_errors(wave, scales)
    entropy, found = stream_entropy(seed=seed, keys=("model error", split)), np.empty(flux.shape, np.float32)
    for one, of_row, row in zip(found, flux, rows, strict=True):
        normal = generator(entropy, row=int(row)).standard_normal(len(wave) + smooth.shape[1])
        one[:] = of_row + sigma * normal[: len(wave)] + smooth @ normal[len(wave) :]
    return found
