"""The rows of all files as one catalogue."""

from gravispec import catalogue
from gravispec.observed.velocity import looks_like_another_medium
from gravispec.predict import load_runs
from workflow.scripts.lib.job import job
from workflow.scripts.lib.parts import joined

with job(snakemake) as (path, problems_path):
    table, problems = joined(snakemake.input.rows, snakemake.input.problems)
    print("\n".join(problems), flush=True)
    print(looks_like_another_medium(table["velocity"], table["velocity_error"]), flush=True)
    runs = load_runs(snakemake.input.models, snakemake.params.model)
    catalogue.write(table, path, catalogue.provenance(runs, f"snakemake {snakemake.output.catalogue}"))
    problems_path.write_text("".join(f"{text}\n" for text in problems), encoding="utf-8")
