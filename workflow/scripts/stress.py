"""log g of the test stars under stress: a trained run on clean spectra that were perturbed before the noise came."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.evaluation.stress import stress_table, under_stress
from gravispec.models.trained import TrainedRun
from gravispec.spectra.forward import Clean
from gravispec.spectra.grid import GridInterpolator
from workflow.scripts.lib.job import job

SLOW, WITH_NUISANCES = 1000, 200  # stars for models that declare to be slow; nuisances make them ten times slower

with job(snakemake) as path:
    params, noise_level = snakemake.params, float(snakemake.wildcards.level)
    stars = pd.read_parquet(snakemake.input.stars).query("split == 'test'")
    log_g = stars["log_g"].to_numpy()
    (level,) = (one for one in TrainedRun.load(snakemake.input.model).levels if one.about["noise_level"] == noise_level)
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    # test stars with nuisances are put under stress without them
    grid = snakemake.input.get("grid")
    clean = Clean(GridInterpolator.load(grid), stars) if grid else RowReader(snakemake.input.flux)
    error = ErrorRows(snakemake.input.error, wave)
    tables = []
    of_slow = min(WITH_NUISANCES if grid else SLOW, len(log_g))
    for names, n_stars in ((params.fast, len(log_g)), (params.slow, of_slow)):
        if names:
            found = under_stress(level.only(names), clean, error, slice(0, n_stars), seed=params.seed, **params.spectra)
            tables.append(stress_table(log_g[:n_stars], found, seed=params.seed, **params.bootstrap))
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "noise_level", noise_level)
    print(table.drop(columns="what").to_string(index=False))
    table.to_csv(path, index=False, float_format="%.8g")
