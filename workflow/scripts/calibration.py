"""Which model gives each label of a catalogue, and the intervals of its predictions."""

import json

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.calibration import calibration
from workflow.scripts.lib.job import job

with job(snakemake):
    found = calibration(pd.read_parquet(snakemake.input.predictions))
    print(json.dumps(found, indent=2))
    with atomic(snakemake.output[0]) as path:
        path.write_text(json.dumps(found, indent=2))
