"""A few test stars: clean flux, noisy flux and error."""

import numpy as np

from gravispec.report.spectra_figure import spectra
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake), style():
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    with np.load(snakemake.input.samples, allow_pickle=False) as samples:
        figure = spectra(wave, samples, noise_level=snakemake.params.noise_level)
    save({"spectra": figure}, [snakemake.output.png], [snakemake.output.pdf])
