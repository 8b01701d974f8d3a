# Shared by all rule files - the checked configuration, code tracking, the paths of a run
import os
import sys

from gravispec.config import load
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


def named_run(wildcards):
    """The run of a job: every rule of a run has it first in its paths."""
    return next(iter(wildcards))


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


# leaves of the configuration that several rules hand to their scripts
EDGES = dict(T_eff_edges=settings.bins.T_eff, M_H_edges=settings.bins.M_H)
BIN_NAMES = settings.bins.names()
METAL_POOR = [k for k in range(len(BIN_NAMES)) if k % len(settings.bins.M_H_names) == 0]
ALPHAS = settings.ridge.alphas.values().tolist()
BOOTSTRAP = dict(
    resamples=settings.evaluation.resamples, confidence=settings.evaluation.confidence
)


def gate_data(wildcards):
    """Param: training size, bins and use of the validation stars."""
    return dict(
        n_train=settings.runs[named_run(wildcards)].n_train,
        edges=EDGES,
        fit=settings.gates.fit,
        stop=settings.gates.stop,
    )
