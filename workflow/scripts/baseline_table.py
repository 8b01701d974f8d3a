"""Scores of the baselines beside a run, on the covered test stars and on all."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.baseline_tables import baseline_table
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    table = baseline_table(
        pd.read_parquet(snakemake.input.stars, columns=["star_id", "T_eff", "M_H"]),
        [pd.read_parquet(path) for path in snakemake.input.predictions],
        params.baselines,
        n_train=params.n_train,
        edges=params.edges,
        seed=params.seed,
        **params.bootstrap,
    )
    print(table.to_string())
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
