"""R² of every model in every bin, with the number of stars and the difference to the classify gate."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tables import per_bin_table
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    table = per_bin_table(
        pd.read_parquet(snakemake.input.predictions),
        params.names,
        seed=params.seed,
        **params.bootstrap,
    )
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
