"""Bring a share of BOSZ models to vacuum wavelengths, the instrument's line-spread function and its pixels."""

import numpy as np
import pandas as pd

from gravispec.spectra.instrument import from_published
from gravispec.spectra.medium import check_medium
from gravispec.spectra.wavelength import to_vacuum
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params = snakemake.params
    files = pd.read_csv(snakemake.input.files)
    read = files[files["file"].str.endswith(".gz") & (files["status"] == "read")]
    if len(read):
        key = f"grids.{snakemake.wildcards.grid}.medium"
        check_medium(read["medium_offset"].to_numpy(), params.medium, read["file"].tolist(), key=key)
        print(f"line cores at {read['medium_offset'].median():.3f} (air 0, vacuum 1): {params.medium}", flush=True)
    wave = params.pixels["start"] + params.pixels["step"] * np.arange(params.pixels["n"])
    with np.load(snakemake.input.models, allow_pickle=False) as published:
        native, models = to_vacuum(published["wave"], params.medium), published["flux"]
    flux = np.full((len(models), len(wave)), np.nan)
    there = np.isfinite(models).all(axis=1)
    flux[there] = from_published(native, models[there], wave, fwhm=params.fwhm, R=params.r)
    np.savez(path, wave=wave, flux=flux)
