"""The kinds of data sets: model spectra drawn from a grid, or the user's own; and the shards of stars they come in."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from gravispec.config.base import Model, Name, Range, Stars

LABELS = ("T_eff", "log_g", "M_H", "a_M", "C_M", "C_O", "N_M", "v_micro")  # in this order
MAGNITUDES = (0, 40)  # beyond, signal or background alone is all that double precision sees


Lines = dict[Literal[LABELS], list[tuple[float, float]]]  # label -> points (its value, value), linear in between


class Further(Range):
    """A label beside T_eff, log_g and M_H, which can follow others.

    With a ``mean``, a sum of broken lines of these, it is normal, cut at ``low`` and ``high``; ``scatter`` is a number
    or such a sum.
    """

    mean: Lines | None = Field(None, exclude_if=lambda lines: lines is None)
    scatter: Annotated[float, Field(gt=0)] | Lines | None = Field(None, exclude_if=lambda lines: lines is None)

    @model_validator(mode="after")
    def _lines(self):
        if (self.mean is None) != (self.scatter is None):
            raise ValueError("mean and scatter need each other: give both or none")
        for key in ("mean", "scatter"):
            lines = getattr(self, key)
            for label, points in lines.items() if isinstance(lines, dict) else ():
                if not points or (np.diff([at for at, _ in points]) <= 0).any():
                    raise ValueError(f"{key}.{label}: needs points [value of {label}, {key}] that rise in {label}")
        if isinstance(self.scatter, dict) and min(v for line in self.scatter.values() for _, v in line) <= 0:
            raise ValueError("scatter: must be above 0 everywhere")
        return self


class Magnitudes(Range):
    low: float = Field(ge=MAGNITUDES[0], le=MAGNITUDES[1])
    high: float = Field(ge=MAGNITUDES[0], le=MAGNITUDES[1])


class Labels(Model):
    """Ranges from which stars are drawn; all but mag follow a scaled Beta(beta, beta).

    a_M and C_M are given where they are axes of the grid, and there alone; a_M, C_O, N_M and v_micro where it has
    others.
    """

    T_eff: Range = Range(low=3750, high=6000)
    log_g: Range = Range(low=1, high=5)
    M_H: Range = Range(low=-2.5, high=0.75)
    a_M: Further | None = Field(None, exclude_if=lambda label: label is None)
    C_M: Further | None = Field(None, exclude_if=lambda label: label is None)
    C_O: Further | None = Field(None, exclude_if=lambda label: label is None)
    N_M: Further | None = Field(None, exclude_if=lambda label: label is None)
    v_micro: Further | None = Field(None, exclude_if=lambda label: label is None)
    beta: float = Field(1.2, ge=0.01, le=100)
    mag: Magnitudes = Magnitudes(low=20.5, high=22.5)


class Nuisances(Model):
    """What spectra of stars have that says nothing of them: 1σ of priors that are normal, cut at 3σ.

    ``wide``: the share of stars with much wider lines (``gravispec.spectra.nuisances``); ``constant``: added, of the
    median flux; ``core``: the share of Ca II cores that is filled; ``error_factor``: of ln of what errors are wrong by.
    ``smooth``, ``model_error``, ``core_error``: noise that errors do not tell of, of the median flux: what model
    spectra are wrong by, smooth over 50 Å, in each pixel, and in those of the cores of Ca II.
    ``missing``: the probability of each of ``windows``, Å.
    """

    slope: float = Field(0, ge=0, le=0.25)
    curvature: float = Field(0, ge=0, le=0.1)
    E_BV: float = Field(0, ge=0, le=0.5)
    velocity: float = Field(0, ge=0, le=10)
    v_sin_i: float = Field(0, ge=0, le=15)
    resolution: float = Field(0, ge=0, le=0.1)
    wide: float = Field(0, ge=0, le=0.9)
    constant: float = Field(0, ge=0, le=0.25)
    core: float = Field(0, ge=0, le=0.3)
    error_factor: float = Field(0, ge=0, le=0.5)
    smooth: float = Field(0, ge=0, le=0.1)
    model_error: float = Field(0, ge=0, le=0.1)
    core_error: float = Field(0, ge=0, le=0.5)
    missing: float = Field(0, ge=0, le=0.9)
    windows: list[tuple[float, float]] = []

    @model_validator(mode="after")
    def _windows(self):
        for low, high in self.windows:
            if low >= high:
                raise ValueError(f"windows: {low:g}, {high:g} do not rise")
        if len({tuple(window) for window in self.windows}) < len(self.windows):
            raise ValueError("windows: one stands there twice")
        if bool(self.windows) != bool(self.missing):
            raise ValueError("missing and windows need each other: give both or none")
        return self


class Splits(Model):
    """Stars of each split, in the order in which they stand everywhere."""

    train: Stars
    val: Stars
    test: Stars


#: the splits, in the same order
SPLITS = tuple(Splits.model_fields)


#: whose median flux is divided by: that of the noisy spectrum, which an observer has, or that of the clean one
Median = Literal["noisy", "clean"]


class LteDataset(Model):
    """Model spectra: labels drawn from ``labels``, flux interpolated in ``grid``, by jobs of ``shard`` stars."""

    kind: Literal["lte"]
    grid: Name
    n_stars: Splits
    shard: int = Field(50_000, ge=100, le=10**15)
    labels: Labels = Labels()
    median: Median = "noisy"
    continuum: float = Field(0, ge=0, le=10_000)
    nuisances: Nuisances | None = Field(None, exclude_if=lambda nuisances: nuisances is None)

    @property
    def n_shards(self):
        """How many there are, without naming them."""
        return sum(-(-n // self.shard) for _, n in self.n_stars)

    def shards(self):
        """``{name: split}`` of the shards in the order of the stars."""
        counts = {split: -(-n // self.shard) for split, n in self.n_stars}
        return {f"{split}_{i}": split for split in SPLITS for i in range(counts[split])}

    def rows(self, shard):
        """``(split, first, stop)`` of the stars of a shard, counted in each split."""
        split, i = shard.split("_")
        first = int(i) * self.shard
        return split, first, min(first + self.shard, getattr(self.n_stars, split))


class PfsspecDataset(Model):
    """The user's own spectra: one HDF5 file a split, in the pfsspec layout.

    ``fwhm`` of their Gaussian line spread function, Å, is needed for the stress of a wrong resolution alone.
    """

    kind: Literal["pfsspec"]
    train: Annotated[str, Field(min_length=1)]
    val: Annotated[str, Field(min_length=1)]
    test: Annotated[str, Field(min_length=1)]
    median: Median = "noisy"
    continuum: float = Field(0, ge=0, le=10_000)
    fwhm: Annotated[float, Field(ge=0.01, le=20)] | None = None

    @property
    def n_shards(self):
        return len(SPLITS)

    def shards(self):
        """A file is a shard."""
        return {f"{split}_0": split for split in SPLITS}

    def rows(self, shard):
        """``stop`` is only known to the file."""
        return shard.split("_")[0], 0, None


Dataset = Annotated[LteDataset | PfsspecDataset, Field(discriminator="kind")]


def check_nuisances(key, dataset, pixels):
    """Raise ``ValueError`` where nuisances cannot be marginalised, or a window has none of the ``pixels``."""
    if dataset.nuisances is None:
        return
    if dataset.continuum or dataset.median != "noisy":
        raise ValueError(f"{key}.nuisances: need median: noisy and continuum: 0; they replace the running continuum")
    for low, high in dataset.nuisances.windows:
        if high < pixels.start or low > pixels.stop:
            has = f"{pixels.start:.0f}-{pixels.stop:.0f} Å"
            raise ValueError(f"{key}.nuisances.windows = {low:g}, {high:g}: outside the pixels of its grid, {has}")


def check_labels(key, dataset, ranges):
    """Raise ``ValueError`` unless stars are drawn inside the ``ranges`` of their grid, and every label of it is."""
    for label in LABELS:
        drawn, ends = getattr(dataset.labels, label), ranges.get(label)
        if drawn is None and ends is not None:
            raise ValueError(
                f"{key}.{label}: needed and missing, an axis of grid {dataset.grid}; "
                f"give {{low: {ends[0]:g}, high: {ends[1]:g}}} or less"
            )
        if drawn is not None and ends is None:
            raise ValueError(
                f"{key}.{label} = {drawn.low:g}..{drawn.high:g}: grid {dataset.grid} has no such axis, "
                f"only {', '.join(ranges)}; take the label away, or another grid"
            )
        if drawn is not None and (drawn.low < ends[0] or drawn.high > ends[1]):
            raise ValueError(
                f"{key}.{label} = {drawn.low:g}..{drawn.high:g}: grid {dataset.grid} spans {ends[0]:g}..{ends[1]:g}"
            )
        for lines in (getattr(drawn, "mean", None), getattr(drawn, "scatter", None)):
            for other in lines if isinstance(lines, dict) else ():
                before = [name for name in ranges if name in LABELS[: LABELS.index(label)]]
                if other not in before:
                    raise ValueError(f"{key}.{label}: follows {other}; it can follow {', '.join(before)}")
