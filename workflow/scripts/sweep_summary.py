"""The summary of a benchmark, written last: a row a noise level and model, what was published for BOSZ beside it."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.sweep import by_level, summary_table
from workflow.scripts.lib.job import job, write_provenance

with job(snakemake):
    levels, samples = (by_level(pd.read_parquet(snakemake.input[name])) for name in ("predictions", "samples"))
    table = summary_table(levels, samples, **snakemake.params.summary)
    print(table.to_string(index=False))
    with atomic(*snakemake.output) as (path, provenance_path):
        table.to_csv(path, index=False, float_format="%.8g")
        write_provenance(provenance_path, snakemake, {snakemake.output.summary: path})
