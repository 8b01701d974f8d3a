"""Bring a user's pfsspec files, one a split, into the layout of every data set."""

from contextlib import ExitStack

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks, row_writer
from gravispec.data.pfsspec import WAVE, limited_memory, open_file, read_spectra, read_stars
from gravispec.errors import InputError
from gravispec.spectra.medium import describe_vacuum_offset, vacuum_offset
from workflow.scripts.lib.job import job

SPLITS = ("train", "val", "test")

with (
    job(snakemake) as (stars_path, wave_path, *paths),
    limited_memory([snakemake.input[split] for split in SPLITS]),
    ExitStack() as opened,
):
    files = {split: opened.enter_context(open_file(snakemake.input[split])) for split in SPLITS}
    wave = files["train"][WAVE][:]
    for file in files.values():
        if not np.array_equal(file[WAVE][:], wave):
            raise InputError(f"{file.filename}: its wavelengths differ from those of {files['train'].filename}")
    stars = {split: read_stars(file, split) for split, file in files.items()}
    for (split, file), flux_path, error_path in zip(files.items(), paths[:3], paths[3:], strict=True):
        shape = len(stars[split]), len(wave)
        with row_writer(flux_path, shape) as write_flux, row_writer(error_path, shape) as write_error:
            for lo, hi in blocks(0, len(stars[split])):
                flux, error = read_spectra(file, lo, hi)
                write_flux(flux)
                write_error(error)
                given = stars[split].loc[lo : hi - 1, "snr"]
                snr = np.where(given.isna(), np.median(flux / error, axis=1), given)
                stars[split].loc[lo : hi - 1, "snr"] = snr
                if lo == 0:
                    print(f"{file.filename}: {describe_vacuum_offset(vacuum_offset(wave, flux))}", flush=True)
    pd.concat(stars.values(), ignore_index=True).to_parquet(stars_path)
    np.save(wave_path, wave)
    print({split: len(rows) for split, rows in stars.items()}, "stars", flush=True)
