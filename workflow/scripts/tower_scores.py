"""The scores of one set of families, at every noise level and mode, as JSON."""

import json

import pandas as pd
from safetensors import safe_open

from gravispec.data.files import atomic
from gravispec.evaluation.tower_tables import tower_rows
from workflow.scripts.lib.job import job

with job(snakemake):
    params, rows = snakemake.params, []
    for tower, table, model in zip(params.towers, snakemake.input.predictions, snakemake.input.models, strict=True):
        with safe_open(model, "np") as file:
            header = json.loads(file.metadata()["towers"])
        size = {"parameters": header["parameters"], "dim": header["dim"]}
        rows += tower_rows(tower, pd.read_parquet(table), **size, seed=params.seed, **params.bootstrap)
    print(pd.DataFrame(rows).to_string())
    scores = {"run": snakemake.wildcards.tower_run, "rows": rows}
    with atomic(snakemake.output[0]) as path:
        path.write_text(json.dumps(scores, indent=1))
