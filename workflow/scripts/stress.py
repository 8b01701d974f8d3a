"""log g of the test stars under stress: the trained run on clean spectra that were perturbed before the noise came."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.data.files import atomic
from gravispec.evaluation.stress import catalogues, stress_table
from gravispec.models.trained import TrainedRun
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", "log_g"])
    log_g = stars["log_g"][stars["split"] == "test"]
    run = TrainedRun.load(snakemake.input.model)
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    clean, error = RowReader(snakemake.input.flux), ErrorRows(snakemake.input.error, wave)
    found = catalogues(run, clean, error, slice(0, len(log_g)), seed=params.seed, **params.spectra)
    table = stress_table(log_g, found, seed=params.seed, **params.bootstrap)
    print(table.drop(columns="what").to_string(index=False))
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
