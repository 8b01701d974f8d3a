"""The kinds of runs: what an experiment is made of. A new kind is a model here, a line in ``Run`` and its rule file.

Every kind has ``dataset``, ``n_train``, ``baselines`` and a method ``levels()``, the noise levels that it needs.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gravispec.config_model import LONGEST, Model, Name, NoiseLevel, Once, Stars, known
from gravispec.errors import InputError
from gravispec.features.family import families, inputs_of
from gravispec.source import arguments

RIDGE_MODES = ("in_sample", "cross_fit")
LIGHT = 299_792.458  # km/s
GIVEN = ("train", "val", "ridge", "threads", "device")  # what every baseline is given, no options
SWEEP_MODELS = ("ridge", "global_tower", "moe_mlp")  # of a benchmark, beside its baselines
BASELINES = Path(__file__).parent / "models" / "baselines"


class RunBase(Model):
    """A data set, a number of training stars, and the baselines shown beside the run's own models."""

    dataset: Name
    n_train: Stars
    baselines: Annotated[list[Name], Once] = []


class MoeRun(RunBase):
    """A mixture of Ridge experts at one noise level."""

    kind: Literal["moe"] = "moe"
    noise_level: NoiseLevel = 0.2

    def levels(self):
        return [self.noise_level]


def _tower_families(names):
    """Modules that exist, each once, ``ridge`` among them."""
    there = families()
    for name in names:
        known("family", name, there)
        try:
            inputs_of(name)
        except InputError as error:
            raise ValueError(str(error)) from None
    if "ridge" not in names:
        raise ValueError(f"families {names} must include ridge: a tower corrects the Ridge prediction")
    return names


Families = Annotated[list[Name], Once, AfterValidator(_tower_families)]


class FeatureSet(Model):
    """What a tower is trained on: feature families, and the noise levels at which it is."""

    families: Families
    noise_levels: Annotated[list[NoiseLevel], Field(min_length=1), Once]


TowerName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=LONGEST)]


class TowerRun(RunBase):
    """Global feature towers on several sets of families, and what each family adds."""

    kind: Literal["tower"]
    towers: Annotated[dict[TowerName, FeatureSet], Field(min_length=1)]
    ridge_modes: Annotated[list[Literal[RIDGE_MODES]], Field(min_length=1), Once] = list(RIDGE_MODES)

    @model_validator(mode="after")
    def _no_set_twice(self):
        seen, files = {}, {}
        for name, tower in self.towers.items():
            other = files.setdefault(name.lower(), name)
            if other != name:
                raise ValueError(f"towers {other} and {name}: some systems take both for one file; rename one")
            for level in tower.noise_levels:
                other = seen.setdefault((frozenset(tower.families), level), name)
                if other != name:
                    raise ValueError(f"towers {other} and {name} have the same families at noise level {level:g}")
        return self

    def levels(self):
        return sorted({level for tower in self.towers.values() for level in tower.noise_levels})


class BenchmarkRun(RunBase):
    """A sweep over noise levels: a mixture of experts, its global Ridge, a tower and the baselines at each."""

    kind: Literal["benchmark"]
    noise_levels: Annotated[list[Annotated[NoiseLevel, Field(gt=0)]], Field(min_length=1), Once]
    families: Families = ["pca", "ridge", "topk", "error"]
    ridge_mode: Literal[RIDGE_MODES] = "cross_fit"

    @model_validator(mode="after")
    def _names_of_its_own(self):
        for name in set(self.baselines) & set(SWEEP_MODELS):
            raise ValueError(
                f"baseline {name!r}: the benchmark has a model of its own by this name; rename the baseline"
            )
        return self

    def levels(self):
        return sorted(self.noise_levels)


def _with_kind(run: Any):
    """A run without ``kind`` is a mixture of experts."""
    return {"kind": "moe", **run} if isinstance(run, dict) else run


Run = Annotated[MoeRun | TowerRun | BenchmarkRun, Field(discriminator="kind"), BeforeValidator(_with_kind)]


def _finite(value):
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


class Baseline(Model):
    """A baseline that runs can name: a module of gravispec/models/baselines, and options of its ``fit``."""

    model: Name
    options: dict[Name, Any] = {}

    @field_validator("model")
    @classmethod
    def _module_exists(cls, name):
        modules = [path.stem for path in BASELINES.glob("[a-z]*.py") if arguments(path, "fit") is not None]
        known("model", name, sorted(modules))
        return name

    @model_validator(mode="after")
    def _options_of_its_fit(self):
        asked = arguments(BASELINES / f"{self.model}.py", "fit")
        for name, value in self.options.items():
            known(f"option of {self.model}", name, [option for option in asked if option not in GIVEN])
            if not _finite(value):
                raise ValueError(f"options.{name} = {value}: numbers must be finite")
        return self


class BaselineComparison(Model):
    """A mixture of experts against a baseline, at the run's noise level; ``n_train`` stars train the baseline."""

    run: Name
    baseline: Name
    n_train: Stars


Velocity = Annotated[float, Field(gt=-LIGHT, lt=LIGHT)]


class Catalogue(Model):
    """Runs applied to observed spectra: files are paths and patterns, the others as in ``gravispec predict``."""

    runs: Annotated[list[Name], Field(min_length=1), Once]
    files: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1), Once]
    medium: Literal["air", "vacuum"] | None = None
    velocity: Velocity | Annotated[str, Field(min_length=1)] | None = None


def check_run(name, run, config):
    """Raise ``ValueError`` where a run names what the configuration does not have."""
    known(f"runs.{name}.dataset", run.dataset, config.datasets)
    dataset = config.datasets[run.dataset]
    _enough(f"runs.{name}", run.n_train, run.dataset, config)
    for baseline in run.baselines:
        known(f"runs.{name}.baselines", baseline, config.baselines)
    if run.kind == "tower" and dataset.kind == "lte":
        for tower, features in run.towers.items():
            if 0 in features.noise_levels and not tower.startswith("leak"):
                raise ValueError(
                    f"runs.{name}.towers.{tower}.noise_levels = {features.noise_levels}: built-in spectra at level 0 "
                    "are clean, their features a leak; begin the tower's name with 'leak' where that is meant"
                )


def check_comparisons(config):
    """Raise ``ValueError`` where a comparison names what the configuration does not have."""
    mixtures = [name for name, run in config.runs.items() if run.kind == "moe"]
    for name, runs in config.comparisons.items():
        for run in runs:
            known(f"comparisons.{name}", run, mixtures)
    for name, comparison in config.baseline_comparisons.items():
        key = f"baseline_comparisons.{name}"
        known(f"{key}.run", comparison.run, mixtures)
        known(f"{key}.baseline", comparison.baseline, config.baselines)
        _enough(key, comparison.n_train, config.runs[comparison.run].dataset, config)
        if name in config.comparisons:
            raise ValueError(f"{key}: comparisons.{name} would write results/comparison/{name}.csv, too; rename one")


def check_catalogues(config):
    """Raise ``ValueError`` where a catalogue names a run that is no mixture of experts."""
    mixtures = [name for name, run in config.runs.items() if run.kind == "moe"]
    for name, catalogue in config.catalogues.items():
        for run in catalogue.runs:
            known(f"catalogues.{name}.runs", run, mixtures)


def _enough(key, n_train, dataset, config):
    """Raise ``ValueError`` where built-in spectra have fewer than ``n_train`` training stars."""
    about = config.datasets[dataset]
    if about.kind == "lte" and n_train > about.n_stars.train:
        raise ValueError(f"{key}.n_train = {n_train}: data set {dataset} has {about.n_stars.train} training stars")
