"""Runs: models measured on the test stars of a data set; comparisons of runs; catalogues of observed spectra."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from gravispec.config.base import Finite, Model, ModelName, Name, NoiseLevel, Once, Stars, known
from gravispec.config.errors import SHORT

LIGHT = 299_792.458  # km/s
Velocity = Annotated[float, Field(gt=-LIGHT, lt=LIGHT)]
Column = Annotated[str, Field(min_length=1)]  # its name
NAMING_MODELS = ("reference", "differences", "rho", "hypotheses", "catalogue")


def _listed(value: Any):
    """One value stands for a list of it."""
    return value if isinstance(value, list | tuple) else [value]


NoiseLevels = Annotated[
    list[NoiseLevel],
    BeforeValidator(_listed, json_schema_input_type=NoiseLevel | list[NoiseLevel]),
    Field(min_length=1),
    Once,
]
Sizes = Annotated[
    list[Stars], BeforeValidator(_listed, json_schema_input_type=Stars | list[Stars]), Field(min_length=1), Once
]
Pair = Annotated[list[ModelName], Field(min_length=2, max_length=2), Once]


class Use(Model):
    """A model of a run; ``noise_level`` and ``n_train`` limit it to some of the run's."""

    model: ModelName
    noise_level: NoiseLevels | None = None
    n_train: Sizes | None = None


def _use(value: Any):
    """``ridge`` and ``{ridge: {n_train: 32000}}`` are short for ``{model: ridge}`` and so on."""
    if isinstance(value, str):
        return {"model": value}
    if isinstance(value, dict) and len(value) == 1 and "model" not in value:
        ((name, limits),) = value.items()
        return {"model": name, **limits} if isinstance(limits, dict) else value
    return value


Short = BeforeValidator(_use, json_schema_input_type=ModelName | dict)


class Hypothesis(Model):
    """A claim: a score of a model, or the lower limit of a paired difference of R², against a number.

    ``model`` with ``at_least`` or ``at_most`` for its ``metric``; or ``difference`` [a, b] with ``above`` for the lower
    limit of the interval of R²(a) - R²(b). ``noise_level`` and ``n_train``: where; everywhere by default.
    """

    statement: str = ""
    model: ModelName | None = None
    metric: Literal["r2", "mae", "rmse"] = "r2"
    at_least: Finite | None = None
    at_most: Finite | None = None
    difference: Pair | None = None
    above: Finite | None = None
    stars: Literal["covered", "all"] = "covered"
    noise_level: NoiseLevel | None = None
    n_train: Stars | None = None

    @model_validator(mode="after")
    def _one_claim(self):
        given = [key for key in ("at_least", "at_most", "above") if getattr(self, key) is not None]
        fits = given == ["above"] if self.difference else self.model and given in (["at_least"], ["at_most"])
        if not fits or (self.model and self.difference):
            raise ValueError("give model and at_least or at_most, or difference and above")
        return self

    def models(self):
        return self.difference or [self.model]

    def applies(self, level, n_train, names):
        """Whether it is a claim on what is measured there."""
        there = self.noise_level in (None, level) and self.n_train in (None, n_train)
        return there and set(self.models()) <= set(names)


class Run(Model):
    """A data set, noise levels, numbers of training stars, and the models that are measured there."""

    dataset: Name
    noise_level: NoiseLevels
    n_train: Sizes
    models: Annotated[list[Annotated[Use, Short]], Field(min_length=1)]
    reference: ModelName | None = None
    differences: list[Pair] = []
    rho: Pair | None = None
    hypotheses: dict[str, Hypothesis] = {}
    catalogue: ModelName | None = None

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, run):
        """The first model is the reference, every other one is compared with it."""
        if isinstance(run, dict) and isinstance(run.get("models"), list) and run["models"]:
            names = [_use(use) for use in run["models"]]
            names = [use.get("model") if isinstance(use, dict) else getattr(use, "model", None) for use in names]
            reference = names[0] if run.get("reference") is None else run["reference"]
            pairs = [[name, reference] for name in names if name != reference]
            run = {"differences": pairs} | run | {"reference": reference}
        return run

    @model_validator(mode="after")
    def _consistent(self):
        names = self.names()
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"models: {name} stands there twice; give it all its limits at once")
        for pair in self.differences:
            if self.differences.count(pair) > 1:
                raise ValueError(f"differences: {pair} stands there twice; keep one of them")
        named = {"reference": [self.reference], "rho": self.rho or [], "catalogue": [self.catalogue or names[0]]}
        named |= {f"differences[{i}]": pair for i, pair in enumerate(self.differences)}
        named |= {f"hypotheses.{key}": hypothesis.models() for key, hypothesis in self.hypotheses.items()}
        for key, wanted in named.items():
            for name in wanted:
                known(key, name, names, "a model of this run")
        for use in self.models:
            for key in ("noise_level", "n_train"):
                for value in getattr(use, key) or []:
                    known(f"models.{use.model}.{key}", value, getattr(self, key), "one of the run's")
        for key, claim in self.hypotheses.items():
            if not any(claim.applies(*cell) for cell in self.cells()):
                what = f"{' and '.join(claim.models())} {'is' if claim.model else 'are'}"
                raise ValueError(f"hypotheses.{key}: {what} not measured there; change its noise_level or n_train")
        return self

    def names(self):
        """Names of the models, in their order."""
        return [use.model for use in self.models]

    def cells(self):
        """``[(noise level, n_train, [models])]`` of what is measured, levels and sizes rising."""
        found = []
        for level in sorted(self.noise_level):
            for n_train in sorted(self.n_train):
                at = {"noise_level": level, "n_train": n_train}
                names = [u.model for u in self.models if all(v in (getattr(u, k) or [v]) for k, v in at.items())]
                if names:
                    found.append((level, n_train, names))
        return found

    def compared(self, model=""):
        """``{noise level: (n_train, models)}`` of what is compared with other runs, of one model or of all of them."""
        return {level: (n_train, names) for level, n_train, names in self.cells() if not model or model in names}


class Catalogue(Model):
    """Runs applied to observed spectra: files are paths and patterns, the others as in ``gravispec predict``."""

    runs: Annotated[list[Name], Field(min_length=1), Once]
    model: ModelName | None = None
    files: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1), Once]
    medium: Literal["air", "vacuum"] | None = None
    velocity: Velocity | Column | None = None
    fwhm: Annotated[float, Field(ge=0.01, le=100)] | Column | None = None
    R: Annotated[float, Field(ge=50, le=1e6)] | Column | None = None
    error: Annotated[float, Field(gt=0, lt=10)] | Column | None = None
    windows: Literal["mask", "keep"] | None = None

    @model_validator(mode="after")
    def _one_width(self):
        if self.fwhm is not None and self.R is not None:
            raise ValueError("fwhm and R say the same; give one of them")
        return self

    def reading(self):
        """The options of ``predict.reading_by``."""
        return {name: getattr(self, name) for name in ("medium", "velocity", "fwhm", "R", "error", "windows")}


def with_like(runs):
    """Runs, as dictionaries, where ``like: NAME`` is replaced by the keys of that run, but for those given beside it.

    With ``models`` beside it the keys that name models of the other run are not taken over.
    """

    def resolved(name, seen):
        run = runs[name]
        if not (isinstance(run, dict) and "like" in run):
            return run
        other = run["like"]
        known(f"runs.{name}.like", other, runs)
        if other in seen:
            raise ValueError(f"runs.{name}.like: {' like '.join(map(str, [*seen, other]))} goes in a circle")
        taken = resolved(other, [*seen, other])
        if not isinstance(taken, dict):
            raise ValueError(f"runs.{other} = {SHORT.repr(taken)}: a run has keys, such as dataset and models")
        if "models" in run:
            taken = {key: value for key, value in taken.items() if key not in NAMING_MODELS}
        return taken | {key: value for key, value in run.items() if key != "like"}

    return {name: resolved(name, [name]) for name in runs}
