"""The stars of all shards in one table, and the wavelengths of their spectra."""

import numpy as np
import pandas as pd

from gravispec.spectra.grid import GridInterpolator
from workflow.scripts.lib.job import job

with job(snakemake) as (stars_path, wave_path):
    stars = pd.concat([pd.read_parquet(path) for path in snakemake.input.shards], ignore_index=True)
    stars.to_parquet(stars_path)
    np.save(wave_path, GridInterpolator.load(snakemake.input.grid).wave)
    quantiles = np.quantile(stars["snr"], [0.05, 0.5, 0.95]).round(1)
    print(f"{len(stars)} stars; S/N per pixel 5, 50, 95 %: {quantiles}", flush=True)
