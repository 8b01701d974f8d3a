# Shared by the rule files of features, towers and baselines - functions only.
import sys

from gravispec.config_runs import RIDGE_MODES
from gravispec.errors import InputError
from gravispec.features.family import families, inputs_of
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
    error="results/spectra/{dataset}/error.npy",
    wave="results/spectra/{dataset}/wave.npy",
    pca=f"{TRAINED}/pca.npz",
    ridge=f"{TRAINED}/ridge.npz",
    ridge_folds=f"{TRAINED}/ridge_folds.npz",
)
TOWERS = sorted({name for run in runs_of("tower").values() for name in run.towers})
TOWER = "results/{tower_run}/towers/{tower}/noise_{level}/{mode}"


wildcard_constraints:
    feature=one_of(FEATURES),
    tower=one_of(TOWERS),
    mode=one_of(RIDGE_MODES),
    baseline=one_of(settings.baselines),


def feature_inputs(wildcards):
    """Input: the files that a family says it reads."""
    family, _ = FEATURES[wildcards.feature]
    return {
        name: path.format(**wildcards)
        for name, path in FEATURE_INPUTS.items()
        if name in READS[family]
    }


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


def of_tower_run(pattern):
    """Input: a path with the data set and training size of the run filled in."""
    return lambda wildcards: pattern.format(
        **dict(wildcards.items()),
        dataset=settings.runs[wildcards.tower_run].dataset,
        n_train=settings.runs[wildcards.tower_run].n_train,
    )


def tower_families(wildcards):
    """Param: the families of a tower."""
    return settings.runs[wildcards.tower_run].towers[wildcards.tower].families


def tower_features(wildcards):
    """Input: the tables of a tower's families."""
    run = settings.runs[wildcards.tower_run]
    return [
        feature_file(
            family,
            dataset=run.dataset,
            level=wildcards.level,
            n_train=run.n_train,
            mode=wildcards.mode,
        )
        for family in tower_families(wildcards)
    ]


def trained_towers(wildcards):
    """Param: name, noise level and mode of every tower of the run, or of one of them."""
    run = settings.runs[wildcards.tower_run]
    wanted = [wildcards.tower] if "tower" in wildcards.keys() else run.towers
    return [
        dict(tower=name, families=tower.families, noise_level=level, mode=mode)
        for name, tower in run.towers.items()
        if name in wanted
        for level in tower.noise_levels
        for mode in run.ridge_modes
    ]


def tower_files(suffix):
    """Input: a file of every tower of the run, or of one of them, in the order of ``trained_towers``."""
    pattern = "results/{run}/towers/{tower}/noise_{noise_level}/{mode}"
    return lambda wildcards: [
        pattern.format(run=wildcards.tower_run, **tower) + suffix
        for tower in trained_towers(wildcards)
    ]


def tower_scores_of_run(wildcards):
    """Input: the scores of every set of families of the run."""
    return expand(
        "results/{tower_run}/ablation_{tower}.json",
        tower_run=wildcards.tower_run,
        tower=settings.runs[wildcards.tower_run].towers,
    )
