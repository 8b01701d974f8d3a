"""Draw the stars of a shard, interpolate their clean flux and find what the error of every pixel follows from."""

import numpy as np

from gravispec.data.arrays import blocks, row_writer
from gravispec.device import array_device, host
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.nuisances import with_nuisances
from gravispec.spectra.observing import error_parameters, snr_of
from gravispec.spectra.sampling import drawn_stars
from workflow.scripts.lib.job import job

with job(snakemake) as (stars_path, flux_path, error_path):
    params = snakemake.params
    device = array_device(snakemake.resources)
    grid = GridInterpolator.load(snakemake.input.grid, device=device)
    split, first, stop = params.shard
    priors = {"labels": params.labels, "names": grid.names, "nuisances": (params.nuisances or {}).get("scales")}
    stars = drawn_stars(stop, **priors, split=split, seed=params.seed, first=first)
    error, snr = np.empty((len(stars), 2)), np.empty(len(stars))
    with row_writer(flux_path, (len(stars), len(grid.wave))) as write:
        for lo, hi in blocks(0, len(stars)):
            part = stars.iloc[lo:hi]
            flux = median_normalised(grid(part[grid.names].to_numpy()))
            error[lo:hi] = error_parameters(grid.wave, flux, part)
            snr[lo:hi] = snr_of(grid.wave, error[lo:hi], device=device)
            flux = host(flux)
            if params.nuisances:  # the errors are those of the star: its magnitude is what an observer has
                of_block = stars.iloc[lo:hi]
                flux = median_normalised(with_nuisances(flux, grid.wave, params.nuisances["fwhm"], of_block))
            write(flux.astype(np.float32, copy=False))
    np.save(error_path, error)
    stars.assign(snr=snr).to_parquet(stars_path)
