"""The typed configuration: every key, its default, its unit and its allowed range.

``config/config.yaml`` is checked against these models when Snakemake parses the workflow; unknown keys are errors.
"""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from gravispec.config.base import LONGEST, Model, ModelName, NewName, Once, Stars, booleans, known
from gravispec.config.checks import check_catalogues, check_comparisons, check_run
from gravispec.config.datasets import Dataset, check_labels, check_nuisances
from gravispec.config.errors import dotted, one_line
from gravispec.config.grids import Grid
from gravispec.config.models import checked, schema_of
from gravispec.config.old import refuse_old_keys
from gravispec.config.runs import Catalogue, Run, with_like
from gravispec.errors import InputError
from gravispec.plugins.models import modules


class Alphas(Model):
    """Ridge penalties tried: ``n`` values, logarithmic from ``low`` to ``high``."""

    low: float = Field(1e-3, ge=1e-12, le=1e12)
    high: float = Field(1e5, ge=1e-12, le=1e12)
    n: int = Field(13, ge=1, le=100)

    @model_validator(mode="after")
    def _increasing(self):
        if self.high < self.low:
            raise ValueError(f"high {self.high} must not be below low {self.low}")
        return self

    def values(self):
        return np.geomspace(self.low, self.high, self.n)


class Ridge(Model):
    alphas: Alphas = Alphas()
    folds: int = Field(5, ge=2, le=20)


Edges = Annotated[list[float], Field(min_length=2, max_length=21)]
BinName = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Bins(Model):
    """Experts: bin = n_metallicity · (index in T_eff) + (index in M_H); half-open, the last interval closed."""

    T_eff: Edges = [3750, 4500, 5250, 6000]
    T_eff_names: list[BinName] = ["Cool", "Mid", "Hot"]
    M_H: Edges = [-2, -1, 0, 0.5]
    M_H_names: list[BinName] = ["Metal-poor", "Solar", "Metal-rich"]

    @model_validator(mode="after")
    def _edges(self):
        for label, names in ((self.T_eff, self.T_eff_names), (self.M_H, self.M_H_names)):
            if any(np.diff(label) <= 0):
                raise ValueError(f"edges {label} must increase")
            if len(names) != len(label) - 1 or len(set(names)) < len(names):
                raise ValueError(f"{len(label) - 1} different names are needed for edges {label}, found {names}")
        return self

    def names(self):
        return [f"{t} {m}" for t in self.T_eff_names for m in self.M_H_names]


class Validation(Model):
    """Use of the validation stars, in the order of the file.

    A fraction ``fit`` is for what must not see training stars, the next ``stop`` for early stopping; no model sees the
    others, which calibrate intervals. The first ``n_val`` of the seen ones stop what is fitted to training stars.
    """

    fit: float = Field(0.7, gt=0, lt=1)
    stop: float = Field(0.1, gt=0, lt=1)
    n_val: Stars = 5000

    @model_validator(mode="after")
    def _leaves_calibration(self):
        if self.fit + self.stop >= 1:
            raise ValueError(f"fit {self.fit} + stop {self.stop} must leave stars for calibration (sum below 1)")
        return self


class Evaluation(Model):
    resamples: int = Field(2000, ge=100, le=1_000_000)
    confidence: float = Field(0.95, gt=0, lt=1)


class Config(Model):
    """The whole of ``config/config.yaml``."""

    seed: int = Field(1, ge=0, lt=2**31)  # 32 bits are what LightGBM takes
    grids: dict[NewName, Grid] = {}
    datasets: dict[NewName, Dataset]
    models: dict[ModelName, dict[str, Any]] = {}
    runs: dict[NewName, Run]
    comparisons: dict[NewName, Annotated[list[str], Field(min_length=2), Once]] = {}
    catalogues: dict[NewName, Catalogue] = {}
    ridge: Ridge = Ridge()
    bins: Bins = Bins()
    validation: Validation = Validation()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="before")
    @classmethod
    def _expanded(cls, raw):
        if not isinstance(raw, dict):
            return raw
        refuse_old_keys(raw)
        raw = {**raw, "models": checked(raw.get("models", {}))}
        return raw | ({"runs": with_like(raw["runs"])} if isinstance(raw.get("runs"), dict) else {})

    @model_validator(mode="after")
    def _names_exist(self):
        for name, run in self.runs.items():
            check_run(name, run, self)
        check_comparisons(self)
        check_catalogues(self)
        for name, dataset in self.datasets.items():
            if dataset.kind == "lte":
                known(f"datasets.{name}.grid", dataset.grid, self.grids)
                grid = self.grids[dataset.grid]
                check_labels(f"datasets.{name}.labels", dataset, grid.ranges())
                check_nuisances(f"datasets.{name}", dataset, grid.pixels)
        return self


def json_schema():
    """JSON schema of ``config/config.yaml``, with the options of every module under ``models``."""
    schema = Config.model_json_schema()
    of_modules = {module: schema_of(module).model_json_schema() for module in modules()}
    for module, about in of_modules.items():
        about["properties"]["module"] = {"const": module}
        schema["$defs"][f"model {module}"] = about
    entries = [{"$ref": f"#/$defs/model {module}"} for module in of_modules]
    section = schema["properties"]["models"]
    section["patternProperties"] = {pattern: {"anyOf": entries} for pattern in section["patternProperties"]}
    run = schema["$defs"]["Run"]
    run["properties"]["like"] = {"type": "string", "description": "a run whose keys are taken where none are given"}
    run["anyOf"] = [{"required": run.pop("required")}, {"required": ["like"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def load(raw):
    """Validate a configuration dictionary and fill in the defaults.

    Returns a ``Config``. Raises ``InputError`` with one line on the first mistake: the key, its value, what is allowed
    and the nearest known key.
    """
    # options of models may be such, which ``checked`` knows
    if path := booleans({k: v for k, v in raw.items() if k != "models"} if isinstance(raw, dict) else raw):
        raise InputError(
            f"config: {dotted(path)}: true or false (in YAML yes, no, on, off, too) is no value of any key"
        )
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"config: {one_line(error, Config)}") from None
