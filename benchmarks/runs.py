"""Jobs of the runs that are finished in ``results/``, from Snakemake's benchmark files; the grid is not counted.

No part of ``make bench``: make ``results/moe_1m/summary.csv`` first, then ``python -m benchmarks --only runs``.
Seconds of all jobs of a rule and of its longest, memory of its largest.
"""

from pathlib import Path

import yaml

from benchmarks.scaling import jobs_of
from gravispec.config import load

REPO = Path(__file__).parents[1]
RUNS = ("moe_32k", "moe_100k", "moe_1m")


def measure(folder, *, quick):
    settings = load(yaml.safe_load((REPO / "config/config.yaml").read_text()))
    finished = [name for name in RUNS if (REPO / "results" / name / "summary.csv").is_file()]
    return [row for name in finished for row in rows_of(name, jobs_of(REPO / "results", settings, name))]


def rows_of(name, jobs):
    """A row a rule, and one for all, from the table of ``scaling.jobs_of``."""
    rules = [*jobs.groupby("rule", sort=False), ("all rules", jobs)]
    return [
        {
            "what": f"{name}: {rule}",
            "size": f"{len(of_rule)} job" + "s" * (len(of_rule) > 1),
            "seconds": of_rule["s"].sum(),
            "longest_s": of_rule["s"].max(),
            "peak_mb": of_rule["MB"].max(),
        }
        for rule, of_rule in rules
    ]
