"""Bias, scatter and outliers of the predicted labels on the test stars, and giants taken for dwarfs."""

import json

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.residuals import giants_dwarfs_table, residuals_table
from workflow.scripts.lib.job import job

with job(snakemake):
    with open(snakemake.input.calibration, encoding="utf-8") as file:
        source = json.load(file)["source"]
    predictions, params = pd.read_parquet(snakemake.input.predictions), snakemake.params
    residuals = residuals_table(predictions, source, seed=params.seed, **params.bootstrap)
    giants_dwarfs = giants_dwarfs_table(predictions, confidence=params.bootstrap["confidence"])
    print(giants_dwarfs.to_string(index=False))
    with atomic(snakemake.output.residuals, snakemake.output.giants_dwarfs) as (residuals_path, giants_path):
        residuals.to_csv(residuals_path, index=False, float_format="%.8g")
        giants_dwarfs.to_csv(giants_path, index=False, float_format="%.8g")
