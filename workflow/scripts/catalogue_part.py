"""Labels of the stars in one file of observed spectra."""

import pandas as pd

from gravispec.predict import load_runs, predict_files
from workflow.scripts.lib.job import job

with job(snakemake) as (rows_path, problem_path):
    params = snakemake.params
    runs = load_runs(snakemake.input.models, params.model)
    found = predict_files(runs, [snakemake.input.spectra], medium=params.medium, velocity=params.velocity)
    ((path, table, problem),) = found
    print(problem or f"{path}: {len(table)} spectra", flush=True)
    (pd.DataFrame() if table is None else table).to_parquet(rows_path)
    problem_path.write_text(problem, encoding="utf-8", errors="backslashreplace")
