"""Add noise to the clean flux of a shard; normalise it and its 1σ (gravispec/spectra/observation.py)."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks, row_writer
from gravispec.data.error_rows import ErrorRows
from gravispec.device import array_device, on_device
from gravispec.spectra.model_error import with_model_error
from gravispec.spectra.nuisances import measured_pixels
from gravispec.spectra.observation import observe
from workflow.scripts.lib.job import job

with job(snakemake) as (flux_path, sigma_path):
    params = snakemake.params
    split, first = params.shard
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    device = array_device(snakemake.resources)
    clean, errors = RowReader(snakemake.input.flux), ErrorRows(snakemake.input.error, wave, device=device)
    stars = snakemake.input.get("stars")  # where they have nuisances
    stars = stars and pd.read_parquet(stars)
    level, nuisances = float(snakemake.wildcards.level), params.nuisances
    width = errors.width(clean.shape[1] if params.normalisation["continuum"] else 1)
    with (
        row_writer(flux_path, clean.shape) as write_flux,
        row_writer(sigma_path, (len(clean), width), np.float64 if width == 3 else np.float32) as write_sigma,
    ):
        for lo, hi in blocks(0, len(clean)):
            rows, flux = first + np.arange(lo, hi), clean[lo:hi]
            if nuisances and level:
                flux = with_model_error(flux, wave, **nuisances, seed=params.seed, split=split, rows=rows)
            noise = {"level": level, "seed": params.seed, "split": split, "rows": rows}
            measured = None if stars is None else measured_pixels(stars.iloc[lo:hi], wave)
            how = {"wave": wave, "measured": measured, **params.normalisation}
            flux, scale = observe(on_device(flux, device), errors[lo:hi], **noise, **how)
            if stars is not None:
                scale *= stars["error_factor"].to_numpy(np.float32)[lo:hi, None]
            write_flux(flux)
            write_sigma(errors.scaled(slice(lo, hi), scale))
