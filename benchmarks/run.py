"""All benchmarks side by side, into benchmarks/results.md and results.csv: ``make bench``, or

    python -m benchmarks [--only ridge,pca] [--quick] [--output FOLDER]

--quick takes tiny sizes, to see that everything works, and prints the tables; with --output it writes them, too.
Topics that are not in --only keep their rows. Use a quiet machine: 2 cores, 8 GB of memory, 3 GB of disk.
"""

import argparse
import os
import platform
import re
import tempfile
from importlib import import_module, metadata
from pathlib import Path

import pandas as pd
import psutil

from benchmarks.target import checked
from gravispec.data.files import atomic

SUITE = ("ridge", "pca", "throughput", "end_to_end", "overhead")
TOPICS = (*SUITE, "end_to_end_100k", "runs")  # the last two by hand
COLUMNS = {  # in the order of the table: digits that are shown
    "topic": None,
    "what": None,
    "size": None,
    "threads": ".0f",
    "runs": ".0f",
    "seconds": ".1f",
    "longest_s": ".1f",
    "cpu_s": ".1f",
    "ratio": ".2f",
    "peak_mb": ".0f",
    "rate": ".4g",
    "unit": None,
    "share": ".1%",
    "limit": None,
    "agreement": None,
    "date": None,
}
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "snakemake", "himalaya", "cvmatrix")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SUITE))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    only = options.only.split(",")
    if unknown := sorted(set(only) - set(TOPICS)):
        parser.error(f"--only {unknown[0]}: the topics are {', '.join(TOPICS)}")
    output = options.output or (None if options.quick else Path(__file__).parent)
    if output:
        for name in ("results.csv", "results.md"):
            checked(output / name, overwrite=True)
    with tempfile.TemporaryDirectory() as folder:
        table = measured(only, Path(folder), quick=options.quick)
    print(markdown(table))
    if output:
        write(table, output)


def measured(topics, folder, *, quick):
    """The table of these topics; spectra are made in the folder."""
    rows = []
    for topic in topics:
        print(f"{topic}:", flush=True)
        found = import_module(f"benchmarks.{topic}").measure(folder, quick=quick)
        rows += [{"topic": topic, **row, "date": f"{pd.Timestamp.now():%Y-%m-%d}"} for row in found]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write(table, output):
    """results.csv and results.md in the folder; rows of other topics that are there already are kept."""
    csv = output / "results.csv"
    if csv.is_file():
        before = pd.read_csv(csv)
        table = pd.concat([before[~before["topic"].isin(table["topic"])], table])
    order = {topic: i for i, topic in enumerate(TOPICS)}
    table = table.sort_values("topic", key=lambda topics: topics.map(order), kind="stable")[list(COLUMNS)]
    with atomic(csv, output / "results.md") as (csv_part, page_part):
        table.to_csv(csv_part, index=False, float_format="%.6g")
        page_part.write_text(markdown(pd.read_csv(csv_part)), encoding="utf-8")


def markdown(table):
    """A page with the machine and a table a topic, of the columns that have values."""
    parts = [f"# Benchmarks\n\n`make bench` on {machine()}."]
    parts.append("`ratio`: seconds in units of gravispec's on as many threads. `peak_mb`: of the largest process.")
    for topic, rows in table.groupby("topic", sort=False):
        about = import_module(f"benchmarks.{topic}").__doc__.strip()
        shown = rows.drop(columns="topic").dropna(axis=1, how="all")
        text = pd.DataFrame({name: [_cell(value, COLUMNS[name]) for value in shown[name]] for name in shown})
        lines = ["| " + " | ".join(cells) + " |" for cells in [text.columns, ["---"] * text.shape[1], *text.to_numpy()]]
        parts += [f"## {topic}", about, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def machine():
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    versions = [f"{name} {version}" for name in PACKAGES if (version := _version(name))]
    memory = psutil.virtual_memory().total / 2**30
    name, load = names[0] if names else platform.machine(), os.getloadavg()[0]
    return (
        f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, load {load:.1f} at the end; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cell(value, digits):
    return "" if pd.isna(value) else format(value, digits) if digits else str(value)
