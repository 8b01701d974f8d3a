"""Stress at all noise levels in one table."""

import pandas as pd

from workflow.scripts.lib.job import job

with job(snakemake) as path:
    table = pd.concat([pd.read_csv(path) for path in snakemake.input.levels], ignore_index=True)
    table.to_csv(path, index=False, float_format="%.8g")
