"""Labels by every model of a run for every validation and test star, cell by cell; S/N, χ², bins, use of the stars."""

import pandas as pd

from gravispec.evaluation.predictions import predictions
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, files = snakemake.params, snakemake.input
    models = iter(files.models)
    cells = (
        (level, n_train, pd.read_parquet(quality), {name: pd.read_parquet(next(models)) for name in names})
        for (level, n_train, names), quality in zip(params.cells, files.quality, strict=True)
    )
    how = {key: params[key] for key in ("leading", "edges", "validation")}
    predictions(pd.read_parquet(files.stars), cells, **how).to_parquet(path)
