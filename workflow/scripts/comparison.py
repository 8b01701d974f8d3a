"""Several runs side by side on the same test stars, with paired intervals."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tables import comparison_table
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    predictions = {
        run: pd.read_parquet(path) for run, path in zip(params.runs, snakemake.input.predictions, strict=True)
    }
    table = comparison_table(predictions, seed=params.seed, **params.bootstrap)
    print(table.to_string(index=False))
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
