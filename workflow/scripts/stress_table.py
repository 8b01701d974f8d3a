"""Stress at all noise levels in one table."""

import pandas as pd

from gravispec.data.files import atomic
from workflow.scripts.lib.job import job

with job(snakemake):
    table = pd.concat([pd.read_csv(path) for path in snakemake.input.levels], ignore_index=True)
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
