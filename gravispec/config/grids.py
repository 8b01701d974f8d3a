"""The kinds of grids of model spectra: built-in synthesis, or published BOSZ files."""

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from gravispec.config.base import Model, Range

# nodes of the published grid: lowest, highest, step (Mészáros et al. 2024, A&A 688, A197)
BOSZ_NODES = {"T_eff": (2800, 16000, 250), "log_g": (-0.5, 5.5, 0.5), "M_H": (-2.5, 0.75, 0.25)}
BOSZ_ABUNDANCES = {"a_M": (-0.25, 0.5, 0.25), "C_M": (-0.75, 0.5, 0.25)}
# lowest and highest label of the built-in synthesis: its own VALIDITY, which would take 0.3 s to import in every job
LTE_LIMITS = {"T_eff": (3500, 6500), "log_g": (0.5, 5.5), "M_H": (-3, 1), "a_M": (-1, 1), "C_M": (-1, 1)}
LTE_LIMITS |= {"N_M": (-1, 1), "v_micro": (0, 10)}


class Axis(Model):
    """Equidistant nodes from ``start`` to ``stop``, both included."""

    start: float
    stop: float
    n: int = Field(ge=2, le=200)

    @model_validator(mode="after")
    def _increasing(self):
        if self.stop <= self.start:
            raise ValueError(f"stop {self.stop} must be above start {self.start}")
        if (np.diff(self.nodes()) <= 0).any():
            raise ValueError(f"{self.n} nodes from {self.start} to {self.stop} are not apart; take fewer")
        return self

    def nodes(self):
        return np.linspace(self.start, self.stop, self.n)


class Axes(Model):
    """Labels of the model grid."""

    T_eff: Axis = Axis(start=3750, stop=6000, n=10)
    log_g: Axis = Axis(start=1.0, stop=5.0, n=9)
    M_H: Axis = Axis(start=-2.5, stop=0.75, n=14)

    def given(self):
        """The axes that the grid has, by name, in the order of the labels of its models."""
        return {name: axis for name, axis in self if axis is not None}

    def nodes(self):
        return {name: axis.nodes() for name, axis in self.given().items()}


class LteAxes(Axes):
    """Labels of a grid of built-in spectra, in the limits of the synthesis; a_M and C_M are 0 where not given."""

    a_M: Axis | None = Field(None, exclude_if=lambda axis: axis is None)
    C_M: Axis | None = Field(None, exclude_if=lambda axis: axis is None)

    @model_validator(mode="after")
    def _inside_the_synthesis(self):
        for name, axis in self.given().items():
            low, high = LTE_LIMITS[name]
            if axis.start < low or axis.stop > high:
                raise ValueError(f"{name} = {axis.start:g}..{axis.stop:g}: the synthesis covers {low:g}..{high:g}")
        return self


class OtherLabels(Model):
    """Labels beside the axes: [α/M], [C/O] and [N/M], dex, and microturbulence, km/s; those that are not given are 0.

    [C/O] takes the place of [C/M], which is [α/M] + [C/O]: CO takes all carbon but where this is above 0.26.
    """

    a_M: Range = Range(low=-0.2, high=0.5)
    C_O: Range = Range(low=-0.8, high=0.15)
    N_M: Range = Range(low=-0.4, high=0.9)
    v_micro: Range = Range(low=0.8, high=2.5)

    @model_validator(mode="after")
    def _inside_the_synthesis(self):
        carbon = Range(low=self.a_M.low + self.C_O.low, high=self.a_M.high + self.C_O.high)
        for name, ends in [*self, ("C_M", carbon)]:
            low, high = LTE_LIMITS.get(name, (-np.inf, np.inf))
            if ends.low < low or ends.high > high:
                raise ValueError(f"{name} = {ends.low:g}..{ends.high:g}: the synthesis covers {low:g}..{high:g}")
        return self


class Fewer(Model):
    """How many nodes along each axis."""

    T_eff: int = Field(6, ge=2, le=50)
    log_g: int = Field(5, ge=2, le=50)
    M_H: int = Field(5, ge=2, le=50)


class Beside(Model):
    """Labels beside the axes of a grid: at fewer nodes, polynomials of a total ``degree`` fitted to ``models``."""

    labels: OtherLabels = OtherLabels()
    degree: int = Field(3, ge=1, le=4)
    models: int = Field(64, ge=8, le=1024)
    nodes: Fewer = Fewer()

    @model_validator(mode="after")
    def _determined(self):
        terms = math.comb(self.degree + 4, 4) - 1
        if self.models < terms or self.models & (self.models - 1):
            raise ValueError(f"models = {self.models}: a power of 2, and at least as many as terms, {terms}")
        return self

    @property
    def n_models(self):
        return math.prod(n for _, n in self.nodes) * (1 + self.models)

    def given(self, axes):
        """What ``gravispec.spectra.splines.Others`` is made of, for nodes over the ranges of ``axes``."""
        fewer = {name: np.linspace(axes[name][0], axes[name][-1], n).tolist() for name, n in self.nodes}
        ranges = {name: (ends.low, ends.high) for name, ends in self.labels}
        return {"ranges": ranges, "degree": self.degree, "axes": fewer, "models": self.models}


class Pixels(Model):
    """Pixel centres: ``start + step * i`` for i in 0..n-1, Å in vacuum."""

    start: float = Field(7100.2136, ge=7080, le=8850)
    step: float = Field(0.42725, ge=0.001, le=10)
    n: int = Field(4096, ge=100, le=100_000)

    @model_validator(mode="after")
    def _inside_line_list(self):
        if self.stop > 8870:
            raise ValueError(f"the last pixel is at {self.stop:.1f} Å; the line list ends at 8870 Å")
        return self

    @property
    def stop(self):
        return self.start + self.step * (self.n - 1)


class GridBase(Model):
    """Nodes, pixels and line-spread function: what every kind of grid has."""

    axes: Axes = Axes()
    pixels: Pixels = Pixels()
    fwhm: float = Field(1.6, ge=0.01, le=20)
    shards: int = Field(10, ge=1, le=1000)

    @model_validator(mode="after")
    def _a_model_for_every_shard(self):
        if self.shards > self.n_models:
            raise ValueError(
                f"shards = {self.shards}: the grid has {self.n_models} models; at least one a shard is needed"
            )
        return self

    @property
    def n_models(self):
        return math.prod(axis.n for axis in self.axes.given().values())

    def ranges(self):
        """``{name: (lowest, highest)}`` of the labels that its spectra depend on."""
        return {name: (axis.start, axis.stop) for name, axis in self.axes.given().items()}


class LteGrid(GridBase):
    """A grid of synthetic LTE spectra on the instrument's pixels."""

    kind: Literal["lte"] = "lte"
    axes: LteAxes = LteAxes()
    v_micro: float = Field(2.0, ge=0, le=10)
    others: Beside | None = Field(None, exclude_if=lambda others: others is None)

    @model_validator(mode="after")
    def _no_label_twice(self):
        if self.others and (self.axes.a_M or self.axes.C_M):
            raise ValueError("others: has a_M and C_O already; take a_M and C_M out of axes")
        return self

    @property
    def n_models(self):
        return super().n_models + (self.others.n_models if self.others else 0)

    def ranges(self):
        further = {name: (ends.low, ends.high) for name, ends in self.others.labels} if self.others else {}
        return super().ranges() | further


class BoszGrid(GridBase):
    """BOSZ 2024 files as published, in a local folder or at an http(s) address, brought to the instrument's pixels."""

    kind: Literal["bosz"]
    source: Annotated[str, Field(min_length=1)]
    r: Literal[500, 1000, 2000, 5000, 10000, 20000, 50000] = 10000
    medium: Literal["air", "vacuum"]
    missing: Literal["error", "interpolate"] = "error"
    v_micro: Literal[0, 1, 2, 4] = 2
    a_M: float = 0.0
    C_M: float = 0.0

    @model_validator(mode="after")
    def _is_published(self):
        for name, nodes in self.axes.nodes().items():
            _check_nodes(f"axes.{name}", nodes, *BOSZ_NODES[name])
        for name, limits in BOSZ_ABUNDANCES.items():
            _check_nodes(name, np.array([getattr(self, name)]), *limits)
        return self

    @model_validator(mode="after")
    def _is_sharper_than_the_instrument(self):
        # at 0.98 of the width the kernel that is left has 0.2 of it, enough for the 0.05 Å steps it is applied in
        if self.pixels.stop / self.r > 0.98 * self.fwhm:
            raise ValueError(
                f"r = {self.r}: its files are {self.pixels.stop / self.r:.2f} Å wide at {self.pixels.stop:.0f} Å, "
                f"the instrument has fwhm = {self.fwhm:g} Å; take a higher r"
            )
        return self

    @property
    def remote(self):
        return self.source.startswith(("http://", "https://"))


def _check_nodes(key, nodes, low, high, step):
    outside = (nodes < low) | (nodes > high)
    between = np.abs(nodes / step - np.round(nodes / step)) > 1e-6
    if (outside | between).any():
        node = nodes[np.argmax(outside | between)]
        raise ValueError(f"{key}: {node:g} is no node of BOSZ; they are at multiples of {step} from {low} to {high}")


def _with_kind(grid: Any):
    """A grid without ``kind`` is the built-in synthesis."""
    return {"kind": "lte", **grid} if isinstance(grid, dict) else grid


Grid = Annotated[LteGrid | BoszGrid, Field(discriminator="kind"), BeforeValidator(_with_kind)]
