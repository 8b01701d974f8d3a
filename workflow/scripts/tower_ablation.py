"""What each family adds to the towers of a run: paired differences of R² on the test stars."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tower_tables import ablation_table
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    predictions = [pd.read_parquet(path) for path in snakemake.input.predictions]
    table = ablation_table(
        params.towers, predictions, run=snakemake.wildcards.tower_run, seed=params.seed, **params.bootstrap
    )
    print(table.to_string())
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
