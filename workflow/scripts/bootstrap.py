"""Paired bootstrap over the test stars: the resampled R² of every model, and intervals of their differences."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tables import bootstrap_table, resampled_r2
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    predictions = pd.read_parquet(snakemake.input.predictions)
    samples = resampled_r2(predictions, seed=params.seed, resamples=params.bootstrap["resamples"])
    table = bootstrap_table(predictions, samples, confidence=params.bootstrap["confidence"])
    with atomic(snakemake.output.table, snakemake.output.samples) as (table_path, samples_path):
        table.to_csv(table_path, index=False, float_format="%.8g")
        samples.to_parquet(samples_path)
