"""A mixture of experts against a baseline at the same noise level, on the same test stars, with paired intervals."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.moe_baseline import moe_against
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    moe, baseline = pd.read_parquet(snakemake.input.moe), pd.read_parquet(snakemake.input.baseline)
    table = moe_against(moe, baseline, **params.about, seed=params.seed, **params.bootstrap)
    print(table.to_string(index=False))
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
