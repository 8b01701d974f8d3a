"""The claims of the source experiment, measured in this run: pass or fail."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tables import hypotheses_table
from workflow.scripts.lib.job import job

with job(snakemake):
    predictions, bootstrap = pd.read_parquet(snakemake.input.predictions), pd.read_csv(snakemake.input.bootstrap)
    table = hypotheses_table(predictions, bootstrap)
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
