# Shared by all rule files - the checked configuration, code tracking, what jobs need, spectra in shards of stars
import os
import shutil
import sys
from pathlib import Path

HERE = Path(str(workflow.current_basedir)).parents[1]

from gravispec.config import SPLITS, load
from gravispec.errors import InputError
from workflow.costs import Costs, too_many_shards
from workflow.scripts.lib.code_deps import digest, digest_of_file, imported_files
from workflow.scripts.lib.folder import enter
from workflow.scripts.lib.parent import announce

announce()
if workflow.is_main_process:
    enter()

# jobs import gravispec from here, installed or not
os.environ.update(
    PYTHONPATH=os.pathsep.join([str(HERE), os.getenv("PYTHONPATH", "")]),
)

try:
    settings = load(config)
except InputError as mistake:
    sys.exit(str(mistake))
config.update(settings.model_dump())
costs = Costs(settings)

STARS = "results/spectra/{dataset}/stars.parquet"
WAVE = "results/spectra/{dataset}/wave.npy"
CLEAN = "results/spectra/{dataset}/flux/{shard}.npy"
ERROR = "results/spectra/{dataset}/error/{shard}.npy"
NOISY = "results/noisy/{dataset}/noise_{level}/{shard}.npy"
TRAINED = "results/features/{dataset}/noise_{level}/train_{n_train}"


def one_of(names):
    """Constraint: one of these names; nothing matches where there are none."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    grid=one_of(settings.grids),
    dataset=one_of(settings.datasets),
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

    def megabytes(wildcards, attempt):
        return attempt * costs.of(rule, wildcards).megabytes()

    def minutes(wildcards, attempt):
        return attempt * costs.of(rule, wildcards).minutes()

    return dict(mem_mb=megabytes, runtime=minutes, **others)


def tracked(file):
    """A file of this project and every other one behind it, as paths from here; code is here where results are not."""
    return [
        local(os.path.relpath(HERE / path))
        for path in imported_files(file, HERE)
    ]


def code(script):
    """Input: the script and every file of this project behind it."""
    return tracked(f"workflow/scripts/{script}")


def code_sha(*files):
    """Param: the digest of what scripts, or these other files of the project, and all behind them say."""
    paths = [f if "/" in f else f"workflow/scripts/{f}" for f in files]
    return "".join(digest(path, HERE) for path in paths)


# leaves of the configuration that several rules hand to their scripts
EDGES = dict(T_eff_edges=settings.bins.T_eff, M_H_edges=settings.bins.M_H)
BIN_NAMES = settings.bins.names()
ALPHAS = settings.ridge.alphas.values().tolist()
BOOTSTRAP = dict(
    resamples=settings.evaluation.resamples, confidence=settings.evaluation.confidence
)


def datasets_of(kind):
    """Constraint: the data sets of one kind."""
    return one_of(n for n, dataset in settings.datasets.items() if dataset.kind == kind)


def all_shards(pattern, splits=SPLITS, **names):
    """The files of a data set's shards, in the order of its stars; it ends here where there are too many to be named."""
    os.makedirs("results", exist_ok=True)
    free = shutil.disk_usage("results").free
    if problem := too_many_shards(costs, names["dataset"], disk=free):
        sys.exit(f"error: {problem}")
    shards = settings.datasets[names["dataset"]].shards()
    return [
        pattern.format(shard=name, **names)
        for name, split in shards.items()
        if split in splits
    ]


def sharded(pattern, splits=SPLITS):
    """Input: the same of the data set of the job."""
    return lambda wildcards: all_shards(pattern, splits, **dict(wildcards.items()))


def shard_of_stars(wildcards):
    """Param: split, first row in it and the row after the last of a shard."""
    return settings.datasets[wildcards.dataset].rows(wildcards.shard)
