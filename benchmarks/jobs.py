"""Time and memory of every rule, from the benchmark files of its jobs: ``python -m benchmarks.jobs [results]``."""

import re
import sys
from pathlib import Path

import pandas as pd

#: names of benchmark files: what stands before the wildcards of a rule, which comes first
FILE = re.compile(
    r"(?P<feature>feature)_(?P<family>\w+?)_(?P<of_shard>(?:train|val|test)_\d+)"
    r"|(?P<sharded>spectra|noisy)_(?P<shard>(?:train|val|test)_\d+)"
    r"|(?P<numbered>shard|files|moments|expert)_\d+"
    r"|(?P<levelled>calibration|stress)_[\d.]+"
    r"|(?P<table>table|fit)_(?P<of_family>\w+)"
    r"|(?P<figures>figures)_\w+"
)
RULES = {"table": "feature_table", "fit": "family_fit", "shard": "grid_shard"}


def parsed(file):
    """Rule of the job of a benchmark file, and of its wildcards shard, feature and model those that it has."""
    if file.parent.name != "benchmarks":  # a model has a folder of its own
        rule = {"predictions": "predictions_of_level"}.get(file.stem, file.stem)
        return rule, {"model": file.parent.name}
    found = FILE.fullmatch(file.stem)
    if found is None:
        return file.stem, {}
    has = {name: value for name, value in found.groupdict().items() if value}
    rule = next(iter(has.values()))
    wildcards = {"shard": has.get("of_shard") or has.get("shard"), "feature": has.get("family") or has.get("of_family")}
    return RULES.get(rule, rule), {name: value for name, value in wildcards.items() if value}


def job_table(folder):
    """A row a job: the columns of Snakemake's benchmark files, with ``folder`` of the results and ``rule``."""
    jobs = [
        pd.read_csv(file, sep="\t", na_values="-").assign(
            folder=str(file.parents[1].relative_to(folder)), rule=parsed(file)[0]
        )
        for file in sorted(Path(folder).rglob("*.tsv"))
    ]
    return pd.concat(jobs, ignore_index=True) if jobs else pd.DataFrame(columns=["folder", "rule", "s", "max_rss"])


def main(folder="results"):
    """Print one line a rule: number of jobs, seconds of the longest and of all, largest resident memory (MB)."""
    jobs = job_table(folder)
    if jobs.empty:
        sys.exit(f"no benchmark files under {folder}: make a target first, such as results/moe_smoke/summary.csv")
    table = jobs.groupby(["folder", "rule"]).agg(
        jobs=("s", "size"), longest_s=("s", "max"), total_s=("s", "sum"), max_rss_MB=("max_rss", "max")
    )
    print(table.round(0).astype(int).to_string())
    print(f"all: {jobs['s'].sum():.0f} s in {len(jobs)} jobs, largest resident memory {jobs['max_rss'].max():.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
