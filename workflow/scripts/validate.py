"""Check every table of a run; nothing is summarised before."""

import json
from pathlib import Path

from gravispec.data.schemas import SCHEMAS
from gravispec.evaluation.validate import validate
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    given = {name: [paths] if isinstance(paths, str) else list(paths) for name, paths in snakemake.input.items()}
    rows = validate({name: paths for name, paths in given.items() if name in SCHEMAS}, snakemake.params.settings)
    print(f"{len(rows)} tables, {sum(rows.values())} rows", flush=True)
    sizes = {path: Path(path).stat().st_size for path in sorted({*rows, *given["sources"]})}
    path.write_text(json.dumps({"rows": rows, "bytes": sizes}, indent=1))
