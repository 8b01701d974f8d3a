"""Memory and time of runs of several sizes, and what the cost model says of larger ones, from benchmark files.

    python -m benchmarks.scaling results moe_32k moe_100k moe_1m

prints the tables of docs/scaling.md. Seconds are elapsed ones: measure on a machine that does nothing else.
"""

import sys
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.jobs import parsed
from gravispec.config import load
from gravispec.config.models import mode_of
from gravispec.plugins.models import families_of
from workflow.costs import Costs
from workflow.plan import Plan

OF_EXPERTS = ("expert", "expert_predictions")
STAGES = (
    ("spectra",),
    ("stars",),
    ("noisy",),
    ("moments", "expert"),
    ("global_ridge",),
    ("feature", "expert_predictions", "shape"),
    ("feature_table",),
    ("model",),
    ("others",),
)
OTHERS = 12  # jobs of a run after its models


def features_of(plan, names):
    """Names of the features that models read, and of those that every run has."""
    used = plan.needed(names)
    read = {(family, mode_of(plan.settings.models[n])) for n in used for family in families_of(plan.settings.models[n])}
    return {"quality"} | {f"{f}_{mode}" if "mode" in plan.reads[f] else f for f, mode in read}


def jobs_of(folder, settings, name):
    """A row a job of the run ``name``: rule, wildcards as the cost model wants them, seconds, resident MB.

    Features and models that only other runs use are left out.
    """
    run, plan = settings.runs[name], Plan(settings)
    common = {"run": name, "dataset": run.dataset}
    places = {f"spectra/{run.dataset}": common, name: common}
    for level, n_train, _ in run.cells():
        cell = f"{run.dataset}/noise_{level}"
        at = common | {"level": f"{level}", "n_train": n_train}
        places |= {f"noisy/{cell}": at, f"features/{cell}/train_{n_train}": at}
        places |= {f"models/{cell}/train_{n_train}": at}
        places |= {f"models/{run.dataset}/all_levels/train_{n_train}": common | {"n_train": n_train}}
    features, models = features_of(plan, run.names()), plan.needed(run.names())
    rows = []
    for place, at in places.items():
        for file in sorted((folder / place).glob("*/*.tsv")):
            rule, wildcards = parsed(file)
            if wildcards.get("feature", "quality") not in features or wildcards.get("model", models[0]) not in models:
                continue
            if rule in OF_EXPERTS and not plan.with_experts(models):
                continue
            measured = pd.read_csv(file, sep="\t", na_values="-").iloc[-1]
            rows.append((rule, at | wildcards, measured["s"], measured["max_rss"]))
    return pd.DataFrame(rows, columns=["rule", "wildcards", "s", "MB"])


def measured(folder, settings, names):
    """Memory and time a rule, measured and by the cost model, as two tables with a column a run."""
    costs, memory, seconds = Costs(settings), {}, {}
    for name in names:
        jobs = jobs_of(folder, settings, name)
        if jobs.empty:
            sys.exit(f"no benchmark files of {name} under {folder}: make results/{name}/summary.csv first")
        needs = [costs.of(job.rule, job.wildcards) for job in jobs.itertuples()]
        jobs = jobs.assign(model_s=[need.seconds for need in needs], model_MB=[need.MB for need in needs])
        grouped = jobs.groupby("rule", sort=False)
        memory[name] = grouped.agg(measured=("MB", "max"), model=("model_MB", "max"))
        seconds[name] = grouped.agg(
            jobs=("s", "size"), longest=("s", "max"), all=("s", "sum"), model=("model_s", "sum")
        )
        seconds[name].loc["all"] = seconds[name].sum().mask(seconds[name].columns == "longest", jobs["s"].max())
    return pd.concat(memory, axis=1), pd.concat(seconds, axis=1)


def predicted(settings, name, n_train, cores):
    """Hours on ``cores``, TB of disk and GB of the largest job of the run ``name``, at its first level."""
    run, raw = settings.runs[name], settings.model_dump()
    raw["datasets"][run.dataset]["n_stars"]["train"] = n_train
    about = {"noise_level": run.noise_level[:1], "n_train": n_train, "models": run.names(), "hypotheses": {}}
    raw |= {"runs": {name: raw["runs"][name] | about}, "comparisons": {}, "catalogues": {}}
    settings = load(raw)
    plan, costs = Plan(settings), Costs(settings)
    common = {"run": name, "dataset": run.dataset, "n_train": n_train, "level": f"{run.noise_level[0]}"}
    shards = [common | {"shard": shard} for shard in settings.datasets[run.dataset].shards()]
    n_features, experts = len(features_of(plan, run.names())), plan.with_experts(run.names())
    of_rule = {
        "spectra": shards,
        "noisy": shards,
        "moments": [common] * settings.ridge.folds,
        "expert": [common] * len(settings.bins.names()) * experts,
        "expert_predictions": [common] * experts,
        "feature": shards * n_features,
        "feature_table": [common] * n_features,
        "model": [common | {"model": model} for model in plan.needed(run.names())],
        "others": [common] * OTHERS,
    }
    hours, disk, MB = 0, 0, 0
    for stage in STAGES:
        needs = [costs.of(rule, job) for rule in stage for job in of_rule.get(rule, [common])]
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
