"""Are all files of a finished run there, and as they were when it was made? make verify RUN=moe_smoke.

Exit status 0: they are; 1: some are missing, changed or unknown, a line each with the remedy.
"""

import json
import sys
from pathlib import Path

from gravispec.data.provenance import changes, hash_of

#: records of jobs, which are others every time
RECORDS = {"logs", "benchmarks"}


def main(run):
    """Returns what to exit with."""
    folder = Path("results") / run
    made_by = folder / "provenance.json"
    try:
        found = json.loads(made_by.read_text())
        files = listed(found)
        if found["config_sha256"] != hash_of(found["config"]):
            raise ValueError("its configuration is not the one that it has the hash of")
    except FileNotFoundError:
        return f"{made_by}: missing; make it: snakemake -c2 {made_by}"
    except (ValueError, KeyError, TypeError) as error:
        return f"{made_by}: damaged ({error}); make it again: snakemake -c2 -f {made_by}"
    problems = [f"{path}: {what}; {_remedy(run, path, what)}" for path, what in changes(files).items()]
    problems += [f"{path}: not of this run; move it away, or rm {path}" for path in unknown(folder, files)]
    return "\n".join(problems) or print(f"{run}: {len(files)} files are as they were made") or 0


def listed(provenance):
    """``{path: {"bytes", "sha256"}}`` of every file of a run."""
    return provenance["inputs"] | provenance["outputs"] | provenance["beside"]


def unknown(folder, files):
    """Paths of files in the folder of a run that are not among ``files``."""
    known = {*map(Path, files), folder / "provenance.json"}
    found = (path for path in sorted(folder.rglob("*")) if path.relative_to(folder).parts[0] not in RECORDS)
    return [path for path in found if not path.is_dir() and path not in known]


def incomplete(runs):
    """A line for each of ``runs`` that was finished and lacks files since; only looks whether they are there."""
    for run in runs:
        try:
            files = listed(json.loads(Path("results", run, "provenance.json").read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        missing = [path for path in files if not Path(path).exists()]
        if missing:
            named = ", ".join(missing[:2]) + ", …" * (len(missing) > 2)
            yield f"{run}: {len(missing)} files of this finished run are gone ({named}): make verify RUN={run}"


def _remedy(run, path, what):
    if not path.startswith("results/"):
        return f"put it back, or make the run with it as it is: snakemake -c2 results/{run}/summary.csv"
    return f"make it again: snakemake -c2{'' if what == 'missing' else ' -f'} {path}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
