"""log g of every model for every validation and test star; its other labels, gate weights, flags, S/N and χ²."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.models import gates
from gravispec.models.predictions import predictions_of
from workflow.scripts.lib.job import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    table = predictions_of(
        pd.read_parquet(files.stars),
        pd.read_parquet(files.experts),
        pd.read_parquet(files.features),
        pd.read_parquet(files.quality),
        {kind: gates.load(files[kind]) for kind in gates.KINDS},
        data=params.data,
        fallback_weight=params.fallback_weight,
    )
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
