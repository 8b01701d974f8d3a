"""The summary of a run, written last: one row a model."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tables import summary_table
from workflow.scripts.lib.job import job, write_provenance

with job(snakemake):
    params = snakemake.params
    table = summary_table(
        pd.read_parquet(snakemake.input.predictions),
        pd.read_parquet(snakemake.input.samples),
        run=snakemake.wildcards.run,
        noise_level=params.noise_level,
        n_train=params.n_train,
        confidence=params.confidence,
    )
    print(table.to_string(index=False))
    with atomic(*snakemake.output) as (path, provenance_path):
        table.to_csv(path, index=False, float_format="%.8g")
        write_provenance(provenance_path, snakemake, {snakemake.output.summary: path})
