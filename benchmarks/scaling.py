"""Memory and time of runs of several sizes, and what the cost model says of larger ones, from benchmark files.

    python -m benchmarks.scaling results moe_32k moe_100k moe_1m

prints the tables of docs/scaling.md. Seconds are elapsed ones: measure on a machine that does nothing else.
"""

import re
import sys
from pathlib import Path

import pandas as pd
import yaml

from gravispec.config import load
from workflow.costs import Model

FAMILIES = ("window", "quality")  # those of a mixture; towers have theirs in the same folder
OF_FAMILY = f"(?:{'|'.join(FAMILIES)})"
SHARDED = re.compile(
    rf"(spectra|noisy|feature)_(?:{OF_FAMILY}_)?((?:train|val|test)_\d+)"
    rf"|(moments|expert)_\d+|(gate)_(?:mlp|linear)|(table)_{OF_FAMILY}"
)
IN_FEATURES = ("moments", "global_ridge", "feature", "feature_table")
STAGES = (
    ("spectra",),
    ("stars",),
    ("noisy",),
    ("moments", "expert"),
    ("global_ridge",),
    ("feature", "expert_predictions"),
    ("feature_table",),
    ("others",),
)


def jobs_of(folder, settings, name):
    """A row a job of the mixture ``name``: rule, wildcards as the cost model wants them, seconds, resident MB."""
    run = settings.runs[name]
    data, trained = f"{run.dataset}/noise_{run.noise_level}", f"train_{run.n_train}"
    parts = [f"spectra/{run.dataset}", f"noisy/{data}", f"features/{data}/{trained}", name]
    wildcards = {"run": name, "dataset": run.dataset, "n_train": run.n_train}
    rows = []
    for part in parts:
        for file in sorted((folder / part / "benchmarks").glob("*.tsv")):
            found = SHARDED.fullmatch(file.stem)
            rule = next(filter(None, (found[i] for i in (1, 3, 4, 5)))) if found else file.stem
            rule = "feature_table" if rule == "table" else rule
            if part.startswith("features") and rule not in IN_FEATURES:
                continue
            shard = {"shard": found[2]} if found and found[2] else {}
            measured = pd.read_csv(file, sep="\t", na_values="-").iloc[-1]
            rows.append((rule, wildcards | shard, measured["s"], measured["max_rss"]))
    return pd.DataFrame(rows, columns=["rule", "wildcards", "s", "MB"])


def measured(folder, settings, names):
    """Memory and time a rule, measured and by the cost model, as two tables with a column a run."""
    model, memory, seconds = Model(settings), {}, {}
    for name in names:
        jobs = jobs_of(folder, settings, name)
        if jobs.empty:
            sys.exit(f"no benchmark files of {name} under {folder}: make results/{name}/summary.csv first")
        needs = [model.need(job.rule, job.wildcards, []) for job in jobs.itertuples()]
        jobs = jobs.assign(model_s=[need.seconds for need in needs], model_MB=[need.MB for need in needs])
        grouped = jobs.groupby("rule", sort=False)
        memory[name] = grouped.agg(measured=("MB", "max"), model=("model_MB", "max"))
        seconds[name] = grouped.agg(
            jobs=("s", "size"), longest=("s", "max"), all=("s", "sum"), model=("model_s", "sum")
        )
        seconds[name].loc["all"] = seconds[name].sum().mask(seconds[name].columns == "longest", jobs["s"].max())
    return pd.concat(memory, axis=1), pd.concat(seconds, axis=1)


def predicted(settings, name, n_train, cores):
    """Hours on ``cores``, TB of disk and GB of the largest job of the mixture ``name`` with other ``n_train``."""
    run = settings.runs[name]
    raw = settings.model_dump()
    raw["datasets"][run.dataset]["n_stars"]["train"] = raw["runs"][name]["n_train"] = n_train
    raw["runs"] = {name: raw["runs"][name]}
    for section in ("comparisons", "baseline_comparisons", "catalogues"):
        raw[section] = {}
    settings = load(raw)
    model = Model(settings)
    common = {"run": name, "dataset": run.dataset, "n_train": n_train}
    shards = [common | {"shard": shard} for shard in settings.datasets[run.dataset].shards()]
    bins = len(settings.bins.names())
    of_rule = {
        "spectra": shards,
        "noisy": shards,
        "moments": [common] * settings.ridge.folds,
        "expert": [common] * bins,
        "feature": shards * len(FAMILIES),
        "feature_table": [common] * len(FAMILIES),
        "others": [common] * 18,
    }
    hours, disk, MB = 0, 0, 0
    for stage in STAGES:
        needs = [model.need(rule, job, []) for rule in stage for job in of_rule.get(rule, [common])]
        hours += max(max(need.seconds for need in needs), sum(need.seconds for need in needs) / cores) / 3600
        disk += sum(need.disk for need in needs)
        MB = max(MB, *(need.MB for need in needs))
    row = {"training stars": f"{n_train:.0e}", "cores": cores, "hours": hours, "disk, TB": disk / 1e12}
    return row | {"largest job, GB": MB / 1e3}


def main(folder="results", *names):
    """Print the tables as Markdown."""
    names = names or ("moe_32k", "moe_100k")
    settings = load(yaml.safe_load(Path("config/config.yaml").read_text()))
    memory, seconds = measured(Path(folder), settings, names)
    for title, table in (("Resident memory, MB", memory), ("Seconds", seconds)):
        table.columns = [" ".join(column) for column in table.columns]
        print(f"\n{title}\n\n{table.round(0).astype('Int64').to_markdown()}")
    rows = [predicted(settings, names[-1], n, cores) for n in (10**6, 10**7, 10**8) for cores in (2, 32, 320)]
    print(f"\nPredicted\n\n{pd.DataFrame(rows).round(2).to_markdown(index=False)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
