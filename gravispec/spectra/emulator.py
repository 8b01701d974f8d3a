"""Model spectra as a few numbers that are splines of the labels: what a likelihood can be computed from at once.

    m(θ) ≈ c(θ) B,   B (K, P) the leading singular vectors of spectra of mean 1 at the nodes of a finer grid

For weights w = 1/σ² of the pixels of a star every product of its flux with every model is then one of K numbers:
Σ w f m = c · (B w f), Σ w m² = cᵀ (B w Bᵀ) c. Both belong to the very same m, so that what is left out changes a
likelihood by its product with the noise alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.utils.extmath import randomized_svd

from gravispec.data.arrays import blocks
from gravispec.device import host
from gravispec.spectra.splines import Expansion, Others, models, nodes

MOST_NODES = 10_000  # 160 MB of spectra of 4,096 pixels


@dataclass(frozen=True)
class Emulator:
    """basis (K, P) float32; axes, control (nodes, K), others, of_others (fewer nodes, M K) : of the ``Expansion`` c."""

    basis: np.ndarray
    axes: dict
    control: np.ndarray
    others: Others | None = None
    of_others: np.ndarray | None = None

    @cached_property
    def coefficients(self):
        """c (n, K), a function of labels (n, L) within the grid."""
        return Expansion(self.axes, self.control, self.others, self.of_others)


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
    factor, others = 1, grid.others
    while np.prod([(len(of) - 1) * (factor + 1) + 1 for of in grid.axes.values()]) <= MOST_NODES:
        factor += 1
    axes = _refined(grid.axes, factor)
    labels = models(axes, others)
    flux = np.empty((len(labels), len(grid.wave)), np.float32)
    for lo, hi in blocks(0, len(labels)):
        flux[lo:hi] = host(grid(labels[lo:hi]))
        flux[lo:hi] /= flux[lo:hi].mean(axis=1, keepdims=True)
    if others:
        main = len(nodes(axes))
        flux = np.concatenate([flux[:main], others.fitted(flux[main:]).reshape(-1, flux.shape[1])])
    basis = randomized_svd(flux, size, n_iter=2, random_state=0)[2].astype(np.float32)
    found = Expansion.through(axes, (flux @ basis.T).astype(np.float64), others)
    return Emulator(basis, axes, found.spline.control, others, found.of_others and found.of_others.control)
