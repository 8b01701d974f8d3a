"""The typed configuration: every key, its default, its unit and its allowed range.

``config/config.yaml`` is checked against these models when Snakemake parses the workflow; unknown keys are errors.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field, ValidationError, model_validator

from gravispec.config_benchmark import with_implied_runs
from gravispec.config_errors import one_line
from gravispec.config_grids import Grid
from gravispec.config_model import Model, Name, Positive, known
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


class Range(Model):
    low: float
    high: float

    @model_validator(mode="after")
    def _increasing(self):
        if self.high <= self.low:
            raise ValueError(f"high {self.high} must be above low {self.low}")
        return self


class Labels(Model):
    """Ranges from which stars are drawn; all but mag follow a scaled Beta(beta, beta).

    a_M and C_M are given where they are axes of the grid, and there alone.
    """

    T_eff: Range = Range(low=3750, high=6000)
    log_g: Range = Range(low=1, high=5)
    M_H: Range = Range(low=-2.5, high=0.75)
    a_M: Range | None = Field(None, exclude_if=lambda label: label is None)
    C_M: Range | None = Field(None, exclude_if=lambda label: label is None)
    beta: float = Field(1.2, gt=0, le=100)
    mag: Range = Range(low=20.5, high=22.5)


class Stars(Model):
    """Stars of each split, in the order in which they stand everywhere."""

    train: int = Field(ge=50)
    val: int = Field(ge=50)
    test: int = Field(ge=50)


#: the splits, in the same order
SPLITS = tuple(Stars.model_fields)


#: whose median flux is divided by: that of the noisy spectrum, which an observer has, or that of the clean one
Median = Literal["noisy", "clean"]


class LteDataset(Model):
    """Model spectra: labels drawn from ``labels``, flux interpolated in ``grid``, by jobs of ``shard`` stars."""

    kind: Literal["lte"]
    grid: Name
    n_stars: Stars
    shard: int = Field(50_000, ge=100)
    labels: Labels = Labels()
    median: Median = "noisy"
    continuum: float = Field(0, ge=0, le=10_000)

    def shards(self):
        """``{name: (split, first, stop)}`` of the shards in the order of the stars; rows are counted in each split."""
        return {
            f"{split}_{lo // self.shard}": (split, lo, min(lo + self.shard, n))
            for split, n in self.n_stars
            for lo in range(0, n, self.shard)
        }


class PfsspecDataset(Model):
    """The user's own spectra: one HDF5 file a split, in the pfsspec layout.

    ``fwhm`` of their Gaussian line spread function, Å, is needed for the stress of a wrong resolution alone.
    """

    kind: Literal["pfsspec"]
    train: str
    val: str
    test: str
    median: Median = "noisy"
    continuum: float = Field(0, ge=0, le=10_000)
    fwhm: Positive | None = None

    def shards(self):
        """A file is a shard; ``stop`` is only known to the file."""
        return {f"{split}_0": (split, 0, None) for split in SPLITS}


class Alphas(Model):
    """Ridge penalties tried: ``n`` values, logarithmic from ``low`` to ``high``."""

    low: Positive = 1e-3
    high: Positive = 1e5
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


class Bins(Model):
    """Experts: bin = n_metallicity · (index in T_eff) + (index in M_H); half-open, the last interval closed."""

    T_eff: list[float] = [3750, 4500, 5250, 6000]
    T_eff_names: list[str] = ["Cool", "Mid", "Hot"]
    M_H: list[float] = [-2, -1, 0, 0.5]
    M_H_names: list[str] = ["Metal-poor", "Solar", "Metal-rich"]

    @model_validator(mode="after")
    def _edges(self):
        for label, names in ((self.T_eff, self.T_eff_names), (self.M_H, self.M_H_names)):
            if len(label) < 2 or any(np.diff(label) <= 0):
                raise ValueError(f"edges {label} must increase")
            if len(names) != len(label) - 1:
                raise ValueError(f"{len(label) - 1} names are needed for edges {label}, found {names}")
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
    patience: int = Field(10, ge=1)
    batch: int = Field(64, ge=1)
    fallback_weight: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _leaves_calibration(self):
        if self.fit + self.stop >= 1:
            raise ValueError(f"fit {self.fit} + stop {self.stop} must leave stars for calibration (sum below 1)")
        return self


class Tower(Model):
    """The global feature tower and its training; the defaults are the published ones (method.md section 5)."""

    hidden: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1)] = [256, 64]
    dropout: float = Field(0.3, ge=0, lt=1)
    learning_rate: float = Field(1e-3, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0)
    batch: int = Field(2048, ge=1)
    epochs: int = Field(100, ge=1, le=100_000)
    patience: int = Field(20, ge=1)
    seeds: int = Field(3, ge=1, le=100)


class Evaluation(Model):
    resamples: int = Field(2000, ge=100, le=1_000_000)
    confidence: float = Field(0.95, gt=0, lt=1)


class Config(Model):
    """The whole of ``config/config.yaml``."""

    seed: int = Field(1, ge=0)
    grids: dict[Name, Grid] = {}
    datasets: dict[Name, Annotated[LteDataset | PfsspecDataset, Field(discriminator="kind")]]
    runs: Annotated[dict[Name, Run], AfterValidator(with_implied_runs)]
    baselines: dict[Name, Baseline] = {}
    comparisons: dict[Name, Annotated[list[Name], Field(min_length=2)]] = {}
    baseline_comparisons: dict[Name, BaselineComparison] = {}
    catalogues: dict[Name, Catalogue] = {}
    ridge: Ridge = Ridge()
    bins: Bins = Bins()
    gates: Gates = Gates()
    tower: Tower = Tower()
    n_val: int = Field(5000, ge=50)
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
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(one_line(error, Config)) from None
