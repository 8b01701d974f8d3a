"""Intervals of the labels by every model of a run at one noise level."""

import json

import pandas as pd

from gravispec.evaluation.calibration import calibration
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    _, models = snakemake.params.deployed
    predictions = pd.read_parquet(snakemake.input.predictions)
    at_level = predictions[predictions["noise_level"] == float(snakemake.wildcards.level)]
    path.write_text(json.dumps(calibration(at_level, models), indent=1))
