"""Time and memory of every rule, from the benchmark files of its jobs: ``python -m benchmarks.jobs [results]``."""

import re
import sys
from pathlib import Path

import pandas as pd


def main(folder="results"):
    """Print one line a rule: number of jobs, seconds of the longest and of all, largest resident memory (MB)."""
    files = sorted(Path(folder).rglob("benchmarks/*.tsv"))
    if not files:
        sys.exit(f"no benchmark files under {folder}: make a target first, such as results/moe_smoke/summary.csv")
    jobs = pd.concat(
        [
            pd.read_csv(file, sep="\t", na_values="-").assign(
                folder=file.parents[1].relative_to(folder), rule=re.sub(r"^(shard|expert)_\d+$", r"\1", file.stem)
            )
            for file in files
        ]
    )
    table = jobs.groupby(["folder", "rule"]).agg(
        jobs=("s", "size"), longest_s=("s", "max"), total_s=("s", "sum"), max_rss_MB=("max_rss", "max")
    )
    print(table.round(0).astype(int).to_string())
    print(f"all: {jobs['s'].sum():.0f} s in {len(jobs)} jobs, largest resident memory {jobs['max_rss'].max():.0f} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
