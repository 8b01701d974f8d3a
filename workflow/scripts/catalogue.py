"""The rows of all files as one catalogue."""

from pathlib import Path

import pandas as pd

from gravispec import catalogue
from gravispec.errors import InputError
from gravispec.observed.velocity import looks_like_another_medium
from gravispec.predict import load_runs
from workflow.scripts.lib.job import job

with job(snakemake) as (path, problems_path):
    problems = [text for path in snakemake.input.problems if (text := Path(path).read_text(encoding="utf-8"))]
    print("\n".join(problems), flush=True)
    table = pd.concat([pd.read_parquet(path) for path in snakemake.input.rows], ignore_index=True)
    if table.empty:
        raise InputError(f"no file could be read; the first: {problems[0]}")
    print(looks_like_another_medium(table["velocity"], table["velocity_error"]), flush=True)
    runs = load_runs(snakemake.input.models, snakemake.params.model)
    catalogue.write(table, path, catalogue.provenance(runs, f"snakemake {snakemake.output.catalogue}"))
    problems_path.write_text("".join(f"{text}\n" for text in problems), encoding="utf-8")
