"""Time and memory of every rule, from the benchmark files of its jobs: ``python -m benchmarks.jobs [results]``."""

import re
import sys
from pathlib import Path

import pandas as pd

SHARDED = re.compile(r"^(shard|files|moments|expert|spectra|noisy|feature)_(?:\w+_)?\d+$")


def job_table(folder):
    """A row a job: the columns of Snakemake's benchmark files, with ``folder`` of the results and ``rule``."""
    files = sorted(Path(folder).rglob("benchmarks/*.tsv"))
    jobs = [
        pd.read_csv(file, sep="\t", na_values="-").assign(
            folder=str(file.parents[1].relative_to(folder)), rule=SHARDED.sub(r"\1", file.stem)
        )
        for file in files
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
