"""Add noise to the clean flux of a shard and normalise.

Flux was divided by its median before the noise came. Dividing by the noisy median afterwards is what can be done to an
observed spectrum; without it models learn from a scale that nobody can measure. A running continuum, if any, is last.
"""

import numpy as np

from gravispec.data.arrays import RowReader, blocks, row_writer
from gravispec.data.error_rows import ErrorRows
from gravispec.data.files import atomic
from gravispec.device import array_device, host, on_device
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import continuum_normalised, row_median
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    split, first = params.shard
    median, width = params.normalisation
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    device = array_device(snakemake.resources)
    clean, errors = RowReader(snakemake.input.flux), ErrorRows(snakemake.input.error, wave, device=device)
    with atomic(snakemake.output[0]) as path, row_writer(path, clean.shape) as write:
        for lo, hi in blocks(0, len(clean)):
            noise = {"level": params.noise_level, "seed": params.seed, "split": split}
            flux = on_device(clean[lo:hi], device)
            noisy_flux = add_noise(flux, errors[lo:hi], rows=first + np.arange(lo, hi), **noise)
            if median == "noisy":
                noisy_flux /= row_median(noisy_flux)[:, None]
            noisy_flux = host(noisy_flux)
            write(continuum_normalised(noisy_flux, wave, width) if width else noisy_flux)
