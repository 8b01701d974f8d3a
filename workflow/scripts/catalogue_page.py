"""The page of a catalogue: one HTML file, which works without a network."""

import pandas as pd

from gravispec.report.page.catalogue import page
from workflow.scripts.lib.job import job
from workflow.scripts.lib.parts import joined

with job(snakemake) as path:
    given, name = snakemake.input, snakemake.wildcards.catalogue
    table, problems = joined(given.rows, given.problems)
    kept = pd.concat([pd.read_parquet(path) for path in given.spectra], ignore_index=True)
    command = f"snakemake {snakemake.output[0]}"
    text = page(table, kept, problems, name=name, models=list(given.models), command=command)
    print(f"{len(text.encode()):,} bytes", flush=True)
    path.write_text(text, encoding="utf-8")
