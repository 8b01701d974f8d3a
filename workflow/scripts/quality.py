"""Coverage of the intervals on the test stars; bias, scatter and outliers; giants and dwarfs taken for each other."""

import json
from pathlib import Path

import pandas as pd

from gravispec.evaluation.coverage import coverage
from gravispec.evaluation.posteriors import posteriors
from gravispec.evaluation.residuals import giants_dwarfs, residuals
from workflow.scripts.lib.job import job

with job(snakemake) as paths:
    params = snakemake.params
    predictions = pd.read_parquet(snakemake.input.predictions)
    levels = sorted(predictions["noise_level"].unique())
    calibrations = {
        level: json.loads(Path(path).read_text())
        for level, path in zip(levels, snakemake.input.calibration, strict=True)
    }
    deployed = list(dict.fromkeys(model for found in calibrations.values() for model in found["models"]))
    covered = coverage(predictions, calibrations)
    outside = covered[covered["promised"] & ~covered["inside"]]
    print(f"{len(outside)} of {covered['promised'].sum()} promised coverages are outside their band")
    tables = (
        covered,
        residuals(predictions, deployed, seed=params.seed, **params.bootstrap),
        giants_dwarfs(predictions, deployed, confidence=params.bootstrap["confidence"]),
        posteriors(predictions),
    )
    for table, path in zip(tables, paths, strict=True):
        table.to_csv(path, index=False, float_format="%.8g")
