# Baselines that runs name: the files behind them and what they are given - functions only.
from pathlib import Path

from gravispec.source import arguments
from workflow.scripts.lib.code_deps import digest

BASELINE = (
    "results/baselines/{dataset}/noise_{level}/train_{n_train}/{baseline}.parquet"
)


wildcard_constraints:
    baseline=one_of(settings.baselines),
    any_run=one_of(settings.runs),


def baseline_module(wildcards):
    model = settings.baselines[wildcards.baseline].model
    return f"gravispec/models/baselines/{model}.py"


def baseline_code(wildcards):
    """Input: the baseline's module and what it imports; no other baseline."""
    return tracked(baseline_module(wildcards))


def baseline_sha(wildcards):
    """Param: the digest of what those files say."""
    return digest(baseline_module(wildcards), workflow.basedir)


def asked_by_baseline(wildcards):
    return arguments(workflow.basedir / Path(baseline_module(wildcards)), "fit")


def baseline_inputs(wildcards):
    """Input: the global Ridge, for a baseline whose ``fit`` asks for it."""
    asked = asked_by_baseline(wildcards)
    return (
        {"ridge": f"{TRAINED}/ridge.npz".format(**wildcards)}
        if "ridge" in asked
        else {}
    )


def baseline_options(wildcards):
    """Param: what the configuration has for every baseline, where its ``fit`` asks for it."""
    asked = asked_by_baseline(wildcards)
    given = dict(seed=settings.seed, alphas=ALPHAS, n_folds=settings.ridge.folds)
    return {name: value for name, value in given.items() if name in asked}


def baseline_gpu(wildcards):
    """Resource: a GPU for a baseline whose ``fit`` asks for a device."""
    return GPU if "device" in asked_by_baseline(wildcards) else 0


def baselines_of_run(wildcards):
    """Param: name and noise level of every baseline beside a run."""
    run = settings.runs[wildcards.any_run]
    return [
        dict(baseline=b, level=level) for level in run.levels() for b in run.baselines
    ]


def baseline_files(wildcards):
    """Input: their predictions."""
    run = settings.runs[wildcards.any_run]
    return [
        BASELINE.format(dataset=run.dataset, n_train=run.n_train, **named)
        for named in baselines_of_run(wildcards)
    ]


def baseline_table(wildcards):
    """Input: the table of the run's baselines, where it names any."""
    name = wildcards.get("run") or wildcards.get("tower_run")
    return [f"results/{name}/baselines.csv"] if settings.runs[name].baselines else []
