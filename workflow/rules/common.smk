# Shared by all rule files - the checked configuration, where files are, code tracking, what jobs need
import os
import shutil
import sys
from pathlib import Path

from gravispec.config import load
from gravispec.errors import InputError
from workflow.costs import Costs, too_many_shards
from workflow.plan import *
from workflow.plan_runs import Runs, drawn_from, figure_modules, figures_of
from workflow.plan_tables import RunTables
from workflow.scripts.lib.code_deps import digest, digest_of_file, imported_files
from workflow.scripts.lib.folder import enter
from workflow.scripts.lib.parent import announce
from workflow.seam import behind as files_behind

HERE = Path(str(workflow.current_basedir)).parents[1]  # also where this is a module of another workflow

announce()
if workflow.is_main_process:
    locks_before = enter()

# jobs import gravispec from here, installed or not
os.environ.update(
    PYTHONPATH=os.pathsep.join([str(HERE), os.getenv("PYTHONPATH", "")]),
    OMP_WAIT_POLICY="passive",  # threads that spin while others have the cores made a training 50 times slower
)

try:
    settings = load(config)
    config.update(settings.model_dump())
    plan = Plan(settings)
except InputError as mistake:
    sys.exit(str(mistake))
costs, runs = Costs(settings), Runs(plan)
run_tables = RunTables(runs)


def one_of(names):
    """Constraint: one of these names; nothing matches where there are none."""
    return "|".join(names) or "(?!)"


def of_kind(kind, section):
    """Constraint: the grids, or data sets, of one kind."""
    return one_of(name for name, one in section.items() if one.kind == kind)


wildcard_constraints:
    grid=one_of(settings.grids),
    dataset=one_of(settings.datasets),
    feature=one_of(plan.features),
    family=one_of(plan.fitted_families),
    model=one_of(settings.models),
    run=one_of(settings.runs),
    comparison=one_of(settings.comparisons),
    catalogue=one_of(settings.catalogues),
    level=r"\d+\.\d+",
    n_train=r"\d+",
    shard=r"(train_|val_|test_)?\d+",
    bin=r"\d+",
    fold=r"\d+",


# a card belongs to one job of a cluster; a limit on cards is for the jobs that share a machine
resource_scopes:
    gpu="local",


# cards of a training job; with device auto it trains on the CPU where there is none
GPU = int(settings.device != "cpu")


def needs(rule, **others):
    """Resources of a rule, from its measured cost; as much again for every attempt that failed, used up or over time."""
    return dict(
        mem_mb=lambda wildcards, attempt: attempt * costs.of(rule, wildcards).megabytes(),
        runtime=lambda wildcards, attempt: attempt * costs.of(rule, wildcards).minutes(),
        **others,
    )


def tracked(*files):
    """Files of this project and every other one behind them, as paths from here; code is here where results are not."""
    found = [path for file in files for path in imported_files(file, HERE)]
    return [local(os.path.relpath(HERE / path)) for path in dict.fromkeys(found)]


def code(script):
    """Input: the script and every file of this project behind it."""
    return tracked(f"workflow/scripts/{script}")


def code_sha(script):
    """Param: the digest of what those files say."""
    return digest(f"workflow/scripts/{script}", HERE)


def modules(files):
    """Input: plug-ins and what they import; ``files``: a function of wildcards, which says their paths."""
    return lambda wildcards: tracked(*files(wildcards))


def modules_sha(files):
    """Param: the digest of what those files say."""
    return lambda wildcards: "".join(digest(file, HERE) for file in files(wildcards))


def sharded(pattern, splits=SPLITS):
    """Input: a file of every shard of the data set of the job; it ends here where there are too many to be named."""

    def paths(wildcards):
        os.makedirs("results", exist_ok=True)
        free = shutil.disk_usage("results").free
        if problem := too_many_shards(costs, wildcards.dataset, disk=free):
            sys.exit(f"error: {problem}")
        return plan.all_shards(pattern, splits, **dict(wildcards.items()))

    return paths


# leaves of the configuration that several rules hand to their scripts
EDGES = dict(T_eff=settings.bins.T_eff, M_H=settings.bins.M_H)
BIN_NAMES = settings.bins.names()
ALPHAS = settings.ridge.alphas.values().tolist()
BOOTSTRAP = dict(resamples=settings.evaluation.resamples, confidence=settings.evaluation.confidence)


def sources(wildcards):
    """Input: everything that a summary rests on; what the clean flux was is in the seed and the code."""
    tables = [path for paths in run_tables.paths(wildcards).values() for path in paths]
    files, _ = files_behind(workflow, [*tables, f"results/{wildcards.run}/model.safetensors"])
    folder = f"results/spectra/{runs.of(wildcards).dataset}"
    return [path for path in files if not path.startswith((f"{folder}/flux/", f"{folder}/error/"))]


def behind(name):
    """Param: run, configuration and code behind a file of it, ``{file: digest of what it says}``."""

    def found(wildcards):
        _, files = files_behind(workflow, [f"results/{wildcards.run}/{name}"])
        files = sorted({os.path.relpath(path, HERE) for path in files})
        return dict(
            run=wildcards.run,
            config=runs.config_behind(wildcards),
            code={path: digest_of_file(path, HERE) for path in files},
        )

    return found
