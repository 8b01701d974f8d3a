"""The typed configuration: every key, its default, its unit and its allowed range.

``config/config.yaml`` is checked against these models when Snakemake parses the workflow; unknown keys are errors.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, model_validator

from gravispec.config_benchmark import with_implied_runs
from gravispec.config_datasets import Dataset
from gravispec.config_errors import dotted, one_line
from gravispec.config_grids import Grid
from gravispec.config_model import LONGEST, Model, Name, NewName, Once, Stars, booleans, known
from gravispec.config_runs import (
    Baseline,
    BaselineComparison,
    Catalogue,
    Run,
    check_catalogues,
    check_comparisons,
    check_run,
)
from gravispec.errors import InputError


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


class Gates(Model):
    """Split of the validation stars and the training of the gates."""

    fit: float = Field(0.7, gt=0, lt=1)
    stop: float = Field(0.1, gt=0, lt=1)
    hidden: int = Field(64, ge=1, le=10_000)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    epochs: int = Field(100, ge=1, le=100_000)
    patience: int = Field(10, ge=1, le=100_000)
    batch: int = Field(64, ge=1, le=10_000_000)
    fallback_weight: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _leaves_calibration(self):
        if self.fit + self.stop >= 1:
            raise ValueError(f"fit {self.fit} + stop {self.stop} must leave stars for calibration (sum below 1)")
        return self


class Tower(Model):
    """The global feature tower and its training; the defaults are the published ones (method.md section 5)."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=10)] = [256, 64]
    dropout: float = Field(0.3, ge=0, lt=1)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0, le=1)
    batch: int = Field(2048, ge=1, le=10_000_000)
    epochs: int = Field(100, ge=1, le=100_000)
    patience: int = Field(20, ge=1, le=100_000)
    seeds: int = Field(3, ge=1, le=100)


class Evaluation(Model):
    resamples: int = Field(2000, ge=100, le=1_000_000)
    confidence: float = Field(0.95, gt=0, lt=1)


class Config(Model):
    """The whole of ``config/config.yaml``."""

    seed: int = Field(1, ge=0, lt=2**31)  # 32 bits are what LightGBM takes
    grids: dict[NewName, Grid] = {}
    datasets: dict[NewName, Dataset]
    runs: Annotated[dict[NewName, Run], AfterValidator(with_implied_runs)]
    baselines: dict[NewName, Baseline] = {}
    comparisons: dict[NewName, Annotated[list[Name], Field(min_length=2), Once]] = {}
    baseline_comparisons: dict[NewName, BaselineComparison] = {}
    catalogues: dict[NewName, Catalogue] = {}
    ridge: Ridge = Ridge()
    bins: Bins = Bins()
    gates: Gates = Gates()
    tower: Tower = Tower()
    n_val: Stars = 5000
    device: Literal["auto", "cpu", "cuda"] = "auto"
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _names_exist(self):
        for name, run in self.runs.items():
            check_run(name, run, self)
        check_comparisons(self)
        check_catalogues(self)
        for name, dataset in self.datasets.items():
            if dataset.kind == "lte":
                known(f"datasets.{name}.grid", dataset.grid, self.grids)
                _check_labels(f"datasets.{name}.labels", dataset, self.grids[dataset.grid].axes.given())
        return self


def _check_labels(key, dataset, axes):
    """Raise ``ValueError`` unless stars are drawn inside the axes of their grid, along each of them."""
    for label in ("T_eff", "log_g", "M_H", "a_M", "C_M"):
        drawn, axis = getattr(dataset.labels, label), axes.get(label)
        if drawn is None and axis is not None:
            raise ValueError(
                f"{key}.{label}: needed and missing, an axis of grid {dataset.grid}; "
                f"give {{low: {axis.start:g}, high: {axis.stop:g}}} or less"
            )
        if drawn is not None and axis is None:
            raise ValueError(
                f"{key}.{label} = {drawn.low:g}..{drawn.high:g}: grid {dataset.grid} has no such axis, "
                f"only {', '.join(axes)}; take the label away, or another grid"
            )
        if drawn is not None and (drawn.low < axis.start or drawn.high > axis.stop):
            raise ValueError(
                f"{key}.{label} = {drawn.low:g}..{drawn.high:g}: "
                f"grid {dataset.grid} spans {axis.start:g}..{axis.stop:g}"
            )


def load(raw):
    """Validate a configuration dictionary and fill in the defaults.

    Returns a ``Config``. Raises ``InputError`` with one line on the first mistake: the key, its value, what is allowed
    and the nearest known key.
    """
    if path := booleans(raw):
        raise InputError(
            f"config: {dotted(path)}: true or false (in YAML yes, no, on, off, too) is no value of any key"
        )
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(one_line(error, Config)) from None
