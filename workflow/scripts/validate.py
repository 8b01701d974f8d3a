"""Check every table of a run; nothing is summarised before."""

import json

from gravispec.data.files import atomic
from gravispec.evaluation.validate import validate
from workflow.scripts.lib.job import job

with job(snakemake):
    tables = {name: paths for name, paths in snakemake.input.items() if name != "code"}
    tables = {name: [paths] if isinstance(paths, str) else list(paths) for name, paths in tables.items()}
    rows = validate(tables, **snakemake.params.rows)
    print(f"{len(rows)} tables, {sum(rows.values())} rows", flush=True)
    with atomic(snakemake.output[0]) as path:
        path.write_text(json.dumps({"rows": rows}, indent=1))
