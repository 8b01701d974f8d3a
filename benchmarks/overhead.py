"""What Snakemake adds to a run: start-up of its jobs, and of itself.

Start-up of a job is Python, Snakemake's part of a script, and what the script imports, measured for every script in a
process of its own. Jobs and their seconds, start-up included, are those of the benchmark files of finished runs.
"""

import ast
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.jobs import job_table

REPO = Path(__file__).parents[1]
PREAMBLE = "from snakemake import script\n"


def measure(folder, *, quick):
    scripts = sorted((REPO / "workflow/scripts").glob("*.py"))
    seconds = {path.name: start_up(path) for path in (scripts[:2] if quick else scripts)}
    in_order = sorted(seconds, key=seconds.get)
    chosen = {"fastest": in_order[0], "median": in_order[len(in_order) // 2], "slowest": in_order[-1]}
    rows = [
        {"what": f"start of {len(seconds)} scripts, the {rank}: {name}", "seconds": seconds[name], "runs": 1}
        for rank, name in chosen.items()
    ]
    rows.append({"what": "snakemake -n", "seconds": dry_run(), "runs": 1})
    return rows + run_rows(job_table(REPO / "results"), seconds)


def run_rows(jobs, seconds):
    """A row a folder of results and one for all: seconds of its jobs, share of start-up; seconds: ``{script: s}``."""
    script, typical, rows = scripts_of_rules(), median(seconds.values()), []
    for name, table in [*jobs.groupby("folder"), *([("all of results", jobs)] if len(jobs) else [])]:
        starts = sum(seconds.get(script.get(rule, f"{rule}.py"), typical) for rule in table["rule"])
        total = float(table["s"].sum())
        what = f"{name}: {len(table)} jobs"
        rows.append({"what": what, "seconds": total, "share": starts / total, "limit": "start-up of jobs"})
    return rows


def imports_of(script):
    """The import statements of a script, as source."""
    body = ast.parse(script.read_text()).body
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def start_up(script):
    return _seconds([sys.executable, "-c", PREAMBLE + imports_of(script)])


def dry_run():
    return _seconds([sys.executable, "-m", "snakemake", "-n", "-q", "all", "--nolock", "results/moe_100k/summary.csv"])


def scripts_of_rules():
    """``{rule: file name of its script}``."""
    text = "".join(path.read_text() for path in (REPO / "workflow/rules").glob("*.smk"))
    rules = re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", text, re.M | re.S)
    return {name: re.search(r'script:\s*"\.\./scripts/(.+?)"', body)[1] for name, body in rules}


def _seconds(command):
    start = time.perf_counter()
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    return time.perf_counter() - start
