# Shared by all rule files - the checked configuration, code tracking, the paths of a run
import os
import sys

from gravispec.config import SPLITS, load
from gravispec.errors import InputError
from workflow.scripts.lib.code_deps import digest, imported_files
from workflow.scripts.lib.folder import enter
from workflow.scripts.lib.parent import announce

announce()
if workflow.is_main_process:
    enter()

# jobs import gravispec from here, installed or not
os.environ.update(
    PYTHONPATH=os.pathsep.join([str(workflow.basedir), os.getenv("PYTHONPATH", "")]),
)

try:
    settings = load(config)
except InputError as mistake:
    sys.exit(str(mistake))
config.update(settings.model_dump())


def one_of(names):
    """Constraint: one of these names; nothing matches where there are none."""
    return "|".join(names) or "(?!)"


def runs_of(kind):
    """The runs of one kind, by name."""
    return {name: run for name, run in settings.runs.items() if run.kind == kind}


# every kind of run has a wildcard of its own, so that each kind has its own rule for results/.../summary.csv
wildcard_constraints:
    grid=one_of(settings.grids),
    dataset=one_of(settings.datasets),
    run=one_of(runs_of("moe")),
    tower_run=one_of(runs_of("tower")),
    comparison=one_of(settings.comparisons),
    level=r"\d+\.\d+",
    n_train=r"\d+",
    shard=r"(train_|val_|test_)?\d+",
    bin=r"\d+",
    fold=r"\d+",


def tracked(file):
    """A file of this project and every other one behind it, as paths from here; code is here where results are not."""
    files = imported_files(file, workflow.basedir)
    return [
        local(os.path.relpath(os.path.join(workflow.basedir, file))) for file in files
    ]


def code(script):
    """Input: the script and every file of this project behind it."""
    return tracked(f"workflow/scripts/{script}")


def code_sha(script):
    """Param: the digest of what those files say."""
    return digest(f"workflow/scripts/{script}", workflow.basedir)


def all_shards(pattern, splits=SPLITS, **names):
    """The files of a data set's shards, in the order of its stars."""
    shards = settings.datasets[names["dataset"]].shards()
    return [
        pattern.format(shard=name, **names)
        for name, (split, _, _) in shards.items()
        if split in splits
    ]


def sharded(pattern, splits=SPLITS):
    """Input: the same of the data set of the job."""
    return lambda wildcards: all_shards(pattern, splits, **dict(wildcards.items()))


def of_run(pattern, splits=SPLITS):
    """Input: a path with the data set, noise level and training size of the run filled in; those of all its shards."""

    def paths(wildcards):
        run = settings.runs[wildcards.run]
        names = dict(dataset=run.dataset, level=run.noise_level, n_train=run.n_train)
        if "{shard}" in pattern:
            return all_shards(pattern, splits, **names)
        return pattern.format(run=wildcards.run, **names)

    return paths


# leaves of the configuration that several rules hand to their scripts
STARS = "results/spectra/{dataset}/stars.parquet"
WAVE = "results/spectra/{dataset}/wave.npy"
CLEAN = "results/spectra/{dataset}/flux/{shard}.npy"
ERROR = "results/spectra/{dataset}/error/{shard}.npy"
NOISY = "results/noisy/{dataset}/noise_{level}/{shard}.npy"
TRAINED = "results/features/{dataset}/noise_{level}/train_{n_train}"
EDGES = dict(T_eff_edges=settings.bins.T_eff, M_H_edges=settings.bins.M_H)
BIN_NAMES = settings.bins.names()
METAL_POOR = [k for k in range(len(BIN_NAMES)) if k % len(settings.bins.M_H_names) == 0]
ALPHAS = settings.ridge.alphas.values().tolist()
BOOTSTRAP = dict(
    resamples=settings.evaluation.resamples, confidence=settings.evaluation.confidence
)


def datasets_of(kind):
    """Constraint: the data sets of one kind."""
    return one_of(
        name for name, dataset in settings.datasets.items() if dataset.kind == kind
    )


def shard_of_stars(wildcards):
    """Param: split, first row in it and the row after the last of a shard."""
    return settings.datasets[wildcards.dataset].shards()[wildcards.shard]


def gate_data(wildcards):
    """Param: training size, bins and use of the validation stars."""
    return dict(
        n_train=settings.runs[wildcards.run].n_train,
        edges=EDGES,
        fit=settings.gates.fit,
        stop=settings.gates.stop,
    )


def normalisation(wildcards):
    """Param: whose median flux is divided by, and the width of the running continuum."""
    dataset = settings.datasets[wildcards.dataset]
    return [dataset.median, dataset.continuum]
