"""Labels of the stars in one file of observed spectra, and its most notable spectra."""

import pandas as pd

from gravispec.predict import load_runs, predict_files, reading_by
from gravispec.report.page.kept import Kept
from workflow.scripts.lib.job import job

with job(snakemake) as (rows_path, problem_path, spectra_path):
    params = snakemake.params
    runs = load_runs(snakemake.input.models, params.model)
    reading, kept = reading_by(runs, **params.reading), Kept(runs)
    print("\n".join(reading.lines()), flush=True)
    found = predict_files(runs, [snakemake.input.spectra], reading, seen=kept.add)
    ((path, table, problem),) = found
    print(problem or f"{path}: {len(table)} spectra", flush=True)
    (pd.DataFrame() if table is None else table).to_parquet(rows_path)
    (pd.DataFrame() if table is None else kept.table).to_parquet(spectra_path)
    problem_path.write_text(problem, encoding="utf-8", errors="backslashreplace")
