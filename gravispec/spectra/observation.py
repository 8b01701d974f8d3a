"""One observation: noise and normalisation, for everything that draws or reads spectra."""

from gravispec.device import host
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import continuum_normalised, row_median, running_continuum


def observe(clean, error, *, level, seed, split, rows, wave, median, continuum):
    """Noisy flux (m, P) as a model reads it, of clean flux and errors at level 1 (m, P).

    Clean flux was divided by its median before the noise came. Dividing by the noisy median afterwards (``median``:
    noisy) is what can be done to an observed spectrum; without it models learn from a scale that nobody can measure.
    """
    flux = add_noise(clean, error, level=level, seed=seed, split=split, rows=rows)
    if median == "noisy":
        flux /= row_median(flux)[:, None]
    flux = host(flux)
    return continuum_normalised(flux, wave, continuum) if continuum else flux


def divisor(flux, wave, continuum):
    """What brings flux (m, P) to the scale of training: its median (m, 1), times its running continuum, if any."""
    median = row_median(flux)[:, None]
    return median * running_continuum(flux / median, wave, continuum) if continuum else median
