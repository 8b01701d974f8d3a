"""Coverage of the intervals on the test stars, with the band in which it should lie."""

import json

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.coverage import coverage_table
from workflow.scripts.lib.job import job

with job(snakemake):
    with open(snakemake.input.calibration, encoding="utf-8") as file:
        calibration = json.load(file)
    table = coverage_table(pd.read_parquet(snakemake.input.predictions), calibration)
    outside = table[table["promised"] & ~table["inside"]]
    print(f"{len(outside)} of {table['promised'].sum()} promised coverages are outside their band")
    print(outside.to_string(index=False))
    with atomic(snakemake.output[0]) as path:
        table.to_csv(path, index=False, float_format="%.8g")
