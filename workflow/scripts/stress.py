"""log g of the test stars under stress: the trained run on clean spectra that were perturbed before the noise came."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.evaluation.stress import catalogues, stress_table
from gravispec.models.trained import TrainedRun
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", "log_g"])
    test = np.flatnonzero(stars["split"] == "test")
    rows = slice(test[0], test[-1] + 1)
    run = TrainedRun.load(snakemake.input.model)
    clean, error = RowReader(snakemake.input.flux), RowReader(snakemake.input.error)
    found = catalogues(run, clean, error, rows, seed=params.seed, **params.spectra)
    table = stress_table(stars["log_g"][rows], found, seed=params.seed, **params.bootstrap)
    print(table.drop(columns="what").to_string(index=False))
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
