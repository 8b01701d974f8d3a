"""One observation: noise and normalisation, for everything that draws or reads spectra."""

import numpy as np

from gravispec.device import host
from gravispec.spectra.neighbours import fill
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import row_median, running_continuum


def observe(clean, error, *, level, seed, split, rows, wave, median, continuum, measured=None):
    """Noisy flux (m, P) as a model reads it, and the ``scale``, (m, 1) or (m, P), that makes its 1σ of ``error``.

    ``clean`` flux was divided by its median before the noise came; ``error`` (m, P) is that of level 1. Dividing by the
    noisy median afterwards (``median``: noisy) is what can be done to an observed spectrum; without it models learn
    from a scale that nobody can measure. Flux and 1σ are divided by the same numbers, as those of observed spectra
    are: ``scale`` is the level over the divisor. Level 0 has the errors of an observation, level 1. Pixels that are not
    ``measured`` (m, P) bool are filled from their neighbours, as those of observed spectra are before they are read.
    """
    flux = add_noise(clean, error, level=level, seed=seed, split=split, rows=rows)
    if measured is not None and not measured.all():
        flux = host(flux)
        fill(flux, np.array(host(error)), ~measured)
    scale = np.full((len(flux), 1), level or 1.0)
    if median == "noisy":
        by = row_median(flux)[:, None]
        flux /= by
        scale /= host(by)
    flux = host(flux)
    if continuum:
        by = running_continuum(flux, wave, continuum)
        flux, scale = (flux / by).astype(np.float32), scale / by
    return flux, scale.astype(np.float32)


def divisor(flux, wave, continuum):
    """What brings flux (m, P) to the scale of training: its median (m, 1), times its running continuum, if any."""
    median = row_median(flux)[:, None]
    return median * running_continuum(flux / median, wave, continuum) if continuum else median
