"""The summary of a run, written last: a row a model, noise level and number of training stars."""

import pandas as pd

from gravispec.evaluation.summary import summary
from gravispec.models.model import about_fits
from workflow.scripts.lib.job import job, write_provenance

with job(snakemake) as (path, provenance_path):
    params, files = snakemake.params, snakemake.input
    table = summary(
        pd.read_parquet(files.predictions),
        params.models,
        params.run,
        samples=pd.read_parquet(files.samples),
        about=about_fits(params.cells, files.models),
        confidence=params.confidence,
    )
    print(table.to_string(index=False))
    table.to_csv(path, index=False, float_format="%.8g")
    write_provenance(provenance_path, snakemake, {snakemake.output.summary: path})
