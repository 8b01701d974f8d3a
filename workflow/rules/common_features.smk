# What feature families read, and where their tables are - functions only.
import sys

from gravispec.config_runs import RIDGE_MODES
from gravispec.errors import InputError
from gravispec.plugins.families import families, inputs_of
from workflow.scripts.lib.code_deps import digest, imported_files

try:
    READS = {family: inputs_of(family) for family in families()}
except InputError as mistake:
    sys.exit(str(mistake))

# name of a feature file: family and mode
FEATURES = {
    f"{family}_{mode}" if mode else family: (family, mode)
    for family, reads in READS.items()
    for mode in (RIDGE_MODES if "mode" in reads else [None])
}
FEATURE_INPUTS = dict(
    flux=NOISY,
    error=ERROR,
    sigma=ERROR,
    wave=WAVE,
    pca=f"{TRAINED}/pca.npz",
    ridge=f"{TRAINED}/ridge.npz",
    ridge_folds=f"{TRAINED}/ridge_folds.npz",
)
FEATURES_OF_SHARD = f"{TRAINED}/{{feature}}/{{shard}}.npy"


wildcard_constraints:
    feature=one_of(FEATURES),
    mode=one_of(RIDGE_MODES),


def feature_inputs(wildcards):
    """Input: the files that a family says it reads, of the stars of the shard."""
    family, _ = FEATURES[wildcards.feature]
    reads = {*READS[family], "wave"}  # which errors of built-in spectra follow from
    return {
        name: path.format(**wildcards)
        for name, path in FEATURE_INPUTS.items()
        if name in reads
    }


def family_and_mode(wildcards):
    """Param: which family it is, and its mode, if it has one."""
    return dict(zip(("name", "mode"), FEATURES[wildcards.feature]))


def family_module(wildcards):
    return f"gravispec/features/{FEATURES[wildcards.feature][0]}.py"


def family_code(wildcards):
    """Input: the family's module and what it imports; no other family."""
    return tracked(family_module(wildcards))


def family_sha(wildcards):
    """Param: the digest of what those files say."""
    return digest(family_module(wildcards), workflow.basedir)


def feature_file(family, *, dataset, level, n_train, mode):
    """Path of a family's table."""
    name = f"{family}_{mode}" if "mode" in READS[family] else family
    return f"{TRAINED}/{name}.parquet".format(
        dataset=dataset, level=level, n_train=n_train
    )
