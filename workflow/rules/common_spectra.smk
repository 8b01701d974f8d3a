# Spectra of a data set, in shards of stars - where they are, and which of them a job reads
import shutil

from gravispec.config_datasets import SPLITS
from workflow.costs import Model, too_many_shards

STARS = "results/spectra/{dataset}/stars.parquet"
WAVE = "results/spectra/{dataset}/wave.npy"
CLEAN = "results/spectra/{dataset}/flux/{shard}.npy"
ERROR = "results/spectra/{dataset}/error/{shard}.npy"
NOISY = "results/noisy/{dataset}/noise_{level}/{shard}.npy"
TRAINED = "results/features/{dataset}/noise_{level}/train_{n_train}"


def datasets_of(kind):
    """Constraint: the data sets of one kind."""
    return one_of(
        name for name, dataset in settings.datasets.items() if dataset.kind == kind
    )


def check_shards(dataset):
    """End here where a data set has more shards than can be planned, before one of them is named."""
    os.makedirs("results", exist_ok=True)
    free = shutil.disk_usage("results").free
    if problem := too_many_shards(Model(settings), dataset, disk=free):
        sys.exit(f"error: {problem}")


def all_shards(pattern, splits=SPLITS, **names):
    """The files of a data set's shards, in the order of its stars."""
    check_shards(names["dataset"])
    shards = settings.datasets[names["dataset"]].shards()
    return [
        pattern.format(shard=name, **names)
        for name, split in shards.items()
        if split in splits
    ]


def sharded(pattern, splits=SPLITS):
    """Input: the same of the data set of the job."""
    return lambda wildcards: all_shards(pattern, splits, **dict(wildcards.items()))


def of_files(pattern):
    """Output: a shard for each of the user's files."""
    shards = [f"{split}_0" for split in SPLITS]
    return expand(pattern, shard=shards, allow_missing=True)


def of_run(pattern, splits=SPLITS):
    """Input: a path with the data set, noise level and training size of the run filled in; those of all its shards."""

    def paths(wildcards):
        run = settings.runs[wildcards.run]
        names = dict(dataset=run.dataset, level=run.noise_level, n_train=run.n_train)
        if "{shard}" in pattern:
            return all_shards(pattern, splits, **names)
        return pattern.format(run=wildcards.run, **names)

    return paths


def shard_of_stars(wildcards):
    """Param: split, first row in it and the row after the last of a shard."""
    return settings.datasets[wildcards.dataset].rows(wildcards.shard)


def normalisation(wildcards):
    """Param: whose median flux is divided by, and the width of the running continuum."""
    dataset = settings.datasets[wildcards.dataset]
    return [dataset.median, dataset.continuum]
