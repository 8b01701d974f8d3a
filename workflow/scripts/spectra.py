"""Draw stars, interpolate their clean flux in the grid and model the error of every pixel."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks, row_writer
from gravispec.data.files import atomic
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.observing import error_arrays
from gravispec.spectra.sampling import ScaledBeta, sample_stars
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    grid = GridInterpolator.load(snakemake.input.grid)
    labels, beta = params.labels, params.labels["beta"]
    priors = {name: ScaledBeta(**labels[name], a=beta, b=beta) for name in grid.axes} | {
        "mag": ScaledBeta(**labels["mag"])
    }
    stars = pd.concat(
        [sample_stars(n, split=split, seed=params.seed, priors=priors) for split, n in params.n_stars.items()],
        ignore_index=True,
    )
    shape = len(stars), len(grid.wave)
    snr = np.empty(len(stars))
    with atomic(*snakemake.output) as (stars_path, wave_path, flux_path, error_path):
        with row_writer(flux_path, shape) as write_flux, row_writer(error_path, shape) as write_error:
            for lo, hi in blocks(0, len(stars)):
                part = stars.iloc[lo:hi]
                flux = median_normalised(grid(part[list(grid.axes)].to_numpy()))
                error, snr[lo:hi] = error_arrays(grid.wave, flux, part)
                write_flux(flux)
                write_error(error)
        stars.assign(snr=snr).to_parquet(stars_path)
        np.save(wave_path, grid.wave)
    quantiles = np.quantile(snr, [0.05, 0.5, 0.95]).round(1)
    print(f"{len(stars)} stars; S/N per pixel 5, 50, 95 %: {quantiles}", flush=True)
