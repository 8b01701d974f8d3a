"""The summary of a tower run, a row a model, noise level and mode; and the verdicts."""

import json
from pathlib import Path

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation.tower_tables import summary_table, verdicts_table
from workflow.scripts.lib.job import job, write_provenance

with job(snakemake):
    params = snakemake.params
    rows = [row for path in snakemake.input.scores for row in json.loads(Path(path).read_text())["rows"]]
    summary = summary_table(rows, run=snakemake.wildcards.tower_run)
    verdicts = verdicts_table(summary, pd.read_csv(snakemake.input.ablation), params.towers)
    print(summary.to_string(index=False), verdicts.to_string(index=False), sep="\n\n")
    made = snakemake.output
    with atomic(made.summary, made.verdicts, made.provenance) as (summary_path, verdicts_path, provenance_path):
        summary.to_csv(summary_path, index=False, float_format="%.8g")
        verdicts.to_csv(verdicts_path, index=False, float_format="%.8g")
        tables = {made.summary: summary_path, made.verdicts: verdicts_path}
        write_provenance(provenance_path, snakemake, tables)
