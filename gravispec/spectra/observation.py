"""One observation: noise, and normalisation of flux and errors, for everything that draws or reads spectra."""

import numpy as np

from gravispec.device import host
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import continuum_normalised, row_median


def observe(clean, error, *, level, seed, split, rows, wave, median, continuum):
    """Noisy flux (m, P) as a model reads it, of clean flux and errors at level 1 (m, P), and what it was divided by.

    Clean flux was divided by its median before the noise came. Dividing by the noisy median afterwards (``median``:
    noisy) is what can be done to an observed spectrum; without it models learn from a scale that nobody can measure.
    """
    flux = add_noise(clean, error, level=level, seed=seed, split=split, rows=rows)
    if median == "noisy":
        flux /= row_median(flux)[:, None]
    return normalised(host(flux), wave, continuum)


def normalised(flux, wave, continuum):
    """Flux of median 1 (m, P), divided by its running continuum of this width, Å, where it is above 0."""
    return continuum_normalised(flux, wave, continuum) if continuum else flux
