"""Models of several runs side by side on the same test stars, with paired intervals."""

import pandas as pd

from gravispec.evaluation.comparison import comparison
from gravispec.models.bins import UNCOVERED, Bins
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars).query("split == 'test'")
    stars = stars.assign(uncovered=Bins(**params.edges).of(stars["T_eff"], stars["M_H"]) == UNCOVERED)
    predicted = [pd.read_parquet(path) for path in snakemake.input.models]
    table = comparison(stars, params.entries, predicted, seed=params.seed, **params.bootstrap)
    print(table.to_string(index=False))
    table.to_csv(path, index=False, float_format="%.8g")
