"""Scores of the baselines beside a run, on the covered test stars and on all."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.baseline_tables import baseline_rows
from gravispec.models.bins import UNCOVERED, assign
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "T_eff", "M_H"])
    covered = stars.loc[assign(stars["T_eff"], stars["M_H"], **params.edges) != UNCOVERED, "star_id"]
    rows = []
    for named, path in zip(params.baselines, snakemake.input.predictions, strict=True):
        names = {"baseline": named["baseline"], "noise_level": named["level"], "n_train": params.n_train}
        predictions = pd.read_parquet(path)
        rows += baseline_rows(names, predictions, set(covered), seed=params.seed, **params.bootstrap)
    table = pd.DataFrame(rows)
    print(table.to_string())
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
