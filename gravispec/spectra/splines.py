"""Tensor-product splines of labels, and polynomials in further labels whose coefficients are such splines.

    c(θ, p) = S(θ) + Σ_m xᵐ S_m(θ),    x = (p - centre) / half of the range

θ are the labels of which spectra depend strongly: a spline through models at many nodes. The further labels p, such as
abundances, change a spectrum little and smoothly: at fewer nodes of θ a polynomial is fitted to a design of models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline
from scipy.sparse import csr_array
from scipy.stats import qmc

from gravispec.errors import InputError

Axes = Mapping[str, np.ndarray]
SEED = 5
BLOCK = 256  # labels at a time


def nodes(axes: Axes) -> np.ndarray:
    """Labels of every model (n_models, n_axes) float64; the last axis varies fastest."""
    return np.stack(np.meshgrid(*axes.values(), indexing="ij"), axis=-1).reshape(-1, len(axes))


class TensorSpline:
    """Spline of labels (n, n_axes): cubic with not-a-knot ends, of a lower degree along an axis of two or three nodes.

    axes : name -> nodes; control (n_nodes, K)
    """

    def __init__(self, axes: Axes, control: np.ndarray):
        self.control = control
        self._along = []
        for positions in axes.values():
            k = degree(len(positions))
            self._along.append((make_interp_spline(positions, np.zeros(len(positions)), k=k).t, k))

    @classmethod
    def through(cls, axes: Axes, values: np.ndarray) -> "TensorSpline":
        """That through ``values`` (n_nodes, K) at ``nodes(axes)``."""
        shape = tuple(len(positions) for positions in axes.values())
        if len(values) != np.prod(shape):
            raise InputError(f"grid: {len(values)} models for axes of {' x '.join(map(str, shape))} nodes")
        control = np.asarray(values, dtype=np.float64).reshape(*shape, -1)
        for i, positions in enumerate(axes.values()):
            along = make_interp_spline(positions, np.moveaxis(control, i, 0), k=degree(len(positions)))
            control = np.moveaxis(along.c, 0, i)
        return cls(axes, np.ascontiguousarray(control.reshape(len(values), -1)))

    def weights(self, labels: np.ndarray) -> csr_array:
        """(n, n_nodes): what each control point counts at ``labels`` (n, n_axes) within the axes."""
        index, weight = np.zeros((len(labels), 1), np.intp), np.ones((len(labels), 1))
        for (knots, k), of_axis in zip(self._along, labels.T, strict=True):
            matrix = BSpline.design_matrix(np.ascontiguousarray(of_axis), knots, k)
            n_along, shape = matrix.shape[1], (len(labels), k + 1)
            index = (index[:, :, None] * n_along + matrix.indices.reshape(shape)[:, None]).reshape(len(labels), -1)
            weight = (weight[:, :, None] * matrix.data.reshape(shape)[:, None]).reshape(len(labels), -1)
        ends = np.arange(len(labels) + 1) * weight.shape[1]
        return csr_array((weight.ravel(), index.ravel(), ends), shape=(len(labels), len(self.control)))

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """(n, K) at ``labels`` (n, n_axes) within the axes."""
        return self.weights(labels) @ self.control


def degree(n_nodes: int) -> int:
    """Of the spline along an axis."""
    return min(3, n_nodes - 1)


@dataclass(frozen=True)
class Others:
    """Labels beside the axes of a grid, in which spectra are polynomials.

    ranges : name -> (low, high); degree : of the polynomial, in total; axes : name -> the fewer nodes, at which its
    coefficients are known; models : of a node, beside the one at the centre, that it is fitted to
    """

    ranges: Mapping[str, tuple[float, float]]
    degree: int
    axes: Axes
    models: int

    def state(self):
        """All that it is made of, for JSON."""
        axes = {name: np.asarray(positions).tolist() for name, positions in self.axes.items()}
        return {"ranges": dict(self.ranges), "degree": self.degree, "axes": axes, "models": self.models}

    @property
    def centre(self):
        """(k,) middle of the ranges."""
        return np.array([(low + high) / 2 for low, high in self.ranges.values()])

    @property
    def half(self):
        """(k,) half of the ranges."""
        return np.array([(high - low) / 2 for low, high in self.ranges.values()])

    @cached_property
    def exponents(self):
        """(M, k) of the terms but the constant."""
        every = product(range(self.degree + 1), repeat=len(self.ranges))
        return np.array([powers for powers in every if 0 < sum(powers) <= self.degree])

    def terms(self, labels: np.ndarray) -> np.ndarray:
        """xᵐ (n, M) at further labels (n, k)."""
        powers = ((labels - self.centre) / self.half)[:, :, None] ** np.arange(self.degree + 1)
        found = np.ones((len(labels), len(self.exponents)))
        for i, of_label in enumerate(self.exponents.T):
            found *= powers[:, i, of_label]
        return found

    def design(self) -> np.ndarray:
        """(1 + models, k) further labels: the centre, then quasi-random ones, denser towards the ends of the ranges."""
        uniform = qmc.Sobol(len(self.ranges), rng=np.random.default_rng(SEED)).random(self.models)
        return self.centre + self.half * np.vstack([np.zeros(len(self.ranges)), -np.cos(np.pi * uniform)])

    def labels(self) -> np.ndarray:
        """(n_nodes (1 + models), L) labels of the design at every one of the fewer nodes, node by node."""
        at, design = nodes(self.axes), self.design()
        return np.hstack([np.repeat(at, len(design), axis=0), np.tile(design, (len(at), 1))])

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Coefficients (n_nodes, M, P) of the polynomials through the centre, to ``values`` (n_rows, P) at `labels`."""
        design = self.design()
        to_terms = np.linalg.pinv(self.terms(design[1:])).astype(values.dtype)
        values = values.reshape(-1, len(design), values.shape[1])
        return np.stack([to_terms @ (of_node[1:] - of_node[0]) for of_node in values])


def models(axes: Axes, others: Others | None) -> np.ndarray:
    """Labels (n_models, L) of all models of a grid: its nodes at the centre of the others, then their design."""
    main = nodes(axes)
    if others is None:
        return main
    return np.vstack([np.hstack([main, np.tile(others.centre, (len(main), 1))]), others.labels()])


class Expansion:
    """c (n, K) of labels (n, L), in the order of ``names``.

    control (n_nodes, K) : of S; of_others (n_fewer, M K) : of all S_m
    """

    def __init__(self, axes: Axes, control: np.ndarray, others: Others | None = None, of_others=None):
        self.names = [*axes, *(others.ranges if others else ())]
        self.spline, self.others = TensorSpline(axes, control), others
        self.of_others = TensorSpline(others.axes, of_others) if others else None

    @classmethod
    def through(cls, axes: Axes, values: np.ndarray, others: Others | None = None) -> "Expansion":
        """From ``values`` (n_nodes + n_fewer M, K): at ``nodes(axes)``, then coefficients of `Others`, node by node."""
        n = int(np.prod([len(positions) for positions in axes.values()]))
        control = TensorSpline.through(axes, values[:n] if others else values).control
        if others is None:
            return cls(axes, control)
        of_others = values[n:].reshape(len(nodes(others.axes)), -1)
        return cls(axes, control, others, TensorSpline.through(others.axes, of_others).control)

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        labels = np.asarray(labels, dtype=np.float64)
        if self.others is None:
            return self.spline(labels)
        n_axes = len(self.names) - len(self.others.ranges)
        found = self.spline(labels[:, :n_axes])
        for lo in range(0, len(labels), BLOCK):
            part = labels[lo : lo + BLOCK]
            weights = self.of_others.weights(part[:, :n_axes])
            used = np.unique(weights.indices)  # dense products with these take a fifth of the time of sparse ones
            of_terms = weights[:, used].toarray() @ self.of_others.control[used]
            of_terms = of_terms.reshape(len(part), -1, found.shape[1])
            found[lo : lo + BLOCK] += np.einsum("nm,nmk->nk", self.others.terms(part[:, n_axes:]), of_terms)
        return found
