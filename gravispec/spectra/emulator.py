"""Model spectra as a few numbers that are splines of the labels: what a likelihood can be computed from at once.

    m(θ) ≈ c(θ) B,   B (K, P) the leading singular vectors of spectra of mean 1 at the nodes of a finer grid

For weights w = 1/σ² of the pixels of a star every product of its flux with every model is then one of K numbers:
Σ w f m = c · (B w f), Σ w m² = cᵀ (B w Bᵀ) c. Both belong to the very same m, so that what is left out changes a
likelihood by its product with the noise alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd

from gravispec.data.arrays import blocks
from gravispec.device import host
from gravispec.spectra.grid import nodes, tensor_spline

MOST_NODES = 10_000  # 160 MB of spectra of 4,096 pixels


@dataclass(frozen=True)
class Emulator:
    """axes : ``{name: nodes}``; basis (K, P) float32; control (nodes, K), of the tensor-product spline of c."""

    axes: dict
    basis: np.ndarray
    control: np.ndarray

    @cached_property
    def _splines(self):
        values = np.zeros((int(np.prod([len(nodes) for nodes in self.axes.values()])), 1))
        spline = tensor_spline(self.axes, values)
        return list(zip(spline.t, spline.k, strict=True))

    def coefficients(self, labels):
        """c (n, K) at labels (n, L) within the axes."""
        index, weight = np.zeros((len(labels), 1), np.intp), np.ones((len(labels), 1))
        for (knots, degree), of_axis in zip(self._splines, labels.T, strict=True):
            matrix = BSpline.design_matrix(of_axis, knots, degree)
            n_along, shape = matrix.shape[1], (len(labels), degree + 1)
            index = (index[:, :, None] * n_along + matrix.indices.reshape(shape)[:, None]).reshape(len(labels), -1)
            weight = (weight[:, :, None] * matrix.data.reshape(shape)[:, None]).reshape(len(labels), -1)
        ends = np.arange(len(labels) + 1) * weight.shape[1]
        return csr_array((weight.ravel(), index.ravel(), ends), shape=(len(labels), len(self.control))) @ self.control


def _refined(axes, factor):
    """Axes with ``factor`` intervals in the place of one."""
    return {
        name: np.interp(np.arange((len(of) - 1) * factor + 1) / factor, np.arange(len(of)), of)
        for name, of in axes.items()
    }


def emulation_error(emulator, grid, labels):
    """(n,) rms over the pixels of spectra of mean 1 at labels (n, L), against the grid's own interpolation."""
    flux = host(grid(labels))
    missed = emulator.coefficients(labels) @ emulator.basis - flux / flux.mean(axis=1, keepdims=True)
    return np.sqrt(np.square(missed).mean(axis=1))


def fit_emulator(grid, size):
    """``Emulator`` on ``size`` vectors of a ``GridInterpolator``, on as fine a grid as memory allows."""
    factor = 1
    while np.prod([(len(of) - 1) * (factor + 1) + 1 for of in grid.axes.values()]) <= MOST_NODES:
        factor += 1
    axes = _refined(grid.axes, factor)
    labels = nodes(axes)
    flux = np.empty((len(labels), len(grid.wave)), np.float32)
    for lo, hi in blocks(0, len(labels)):
        flux[lo:hi] = host(grid(labels[lo:hi]))
        flux[lo:hi] /= flux[lo:hi].mean(axis=1, keepdims=True)
    basis = randomized_svd(flux, size, n_iter=2, random_state=0)[2].astype(np.float32)
    coefficients = (flux @ basis.T).astype(np.float64)
    return Emulator(axes, basis, tensor_spline(axes, coefficients).c.reshape(len(labels), size))
