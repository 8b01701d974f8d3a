"""The kinds of runs: what an experiment is made of. A new kind is a model here, a line in ``Run`` and its rule file.

Every kind has ``dataset``, ``n_train``, ``baselines`` and a method ``levels()``, the noise levels that it needs.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gravispec.config_model import Model, Name, known
from gravispec.errors import InputError
from gravispec.features.family import families, inputs_of
from gravispec.source import arguments

NoiseLevel = Annotated[float, Field(ge=0, le=10)]
RIDGE_MODES = ("in_sample", "cross_fit")
SWEEP_MODELS = ("ridge", "global_tower", "moe_mlp")  # of a benchmark, beside its baselines
BASELINES = Path(__file__).parent / "models" / "baselines"


class RunBase(Model):
    """A data set, a number of training stars, and the baselines shown beside the run's own models."""

    dataset: Name
    n_train: int = Field(ge=50)
    baselines: list[Name] = []


class MoeRun(RunBase):
    """A mixture of Ridge experts at one noise level."""

    kind: Literal["moe"] = "moe"
    noise_level: NoiseLevel = 0.2

    def levels(self):
        return [self.noise_level]


def _tower_families(names):
    """Modules that exist, each once, ``ridge`` among them."""
    for name in names:
        known("family", name, families())
        try:
            inputs_of(name)
        except InputError as error:
            raise ValueError(str(error)) from None
    if "ridge" not in names:
        raise ValueError(f"families {names} must include ridge: a tower corrects the Ridge prediction")
    if len(set(names)) < len(names):
        raise ValueError(f"families {names}: one stands there twice")
    return names


Families = Annotated[list[Name], AfterValidator(_tower_families)]


class FeatureSet(Model):
    """What a tower is trained on: feature families, and the noise levels at which it is."""

    families: Families
    noise_levels: Annotated[list[NoiseLevel], Field(min_length=1)]


class TowerRun(RunBase):
    """Global feature towers on several sets of families, and what each family adds."""

    kind: Literal["tower"]
    towers: Annotated[dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")], FeatureSet], Field(min_length=1)]
    ridge_modes: Annotated[list[Literal[RIDGE_MODES]], Field(min_length=1)] = list(RIDGE_MODES)

    @model_validator(mode="after")
    def _no_set_twice(self):
        seen = {}
        for name, tower in self.towers.items():
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
    noise_levels: Annotated[list[Annotated[float, Field(gt=0, le=10)]], Field(min_length=1)]
    families: Families = ["pca", "ridge", "topk", "error"]
    ridge_mode: Literal[RIDGE_MODES] = "cross_fit"

    @model_validator(mode="after")
    def _nothing_twice(self):
        for key in ("noise_levels", "baselines"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} {values}: one stands there twice")
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


class BaselineComparison(Model):
    """A mixture of experts against a baseline, at the run's noise level; ``n_train`` stars train the baseline."""

    run: Name
    baseline: Name
    n_train: int = Field(ge=50)


class Catalogue(Model):
    """Runs applied to observed spectra: files are paths and patterns, the others as in ``gravispec predict``."""

    runs: Annotated[list[Name], Field(min_length=1)]
    files: Annotated[list[str], Field(min_length=1)]
    medium: Literal["air", "vacuum"] | None = None
    velocity: float | str | None = None


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
