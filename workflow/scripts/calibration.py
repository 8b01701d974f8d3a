"""Intervals of the labels by every model of a run at one noise level."""

import json

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.calibration import calibration
from workflow.scripts.lib.job import job

with job(snakemake):
    _, models = snakemake.params.deployed
    predictions = pd.read_parquet(snakemake.input.predictions)
    at_level = predictions[predictions["noise_level"] == float(snakemake.wildcards.level)]
    with atomic(snakemake.output[0]) as path:
        path.write_text(json.dumps(calibration(at_level, models), indent=1))
