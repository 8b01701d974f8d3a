"""Principal components of spectra, from the moments of the noisy training flux."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from gravispec.data.npz import Record
from gravispec.device import host, like, namespace
from gravispec.errors import InputError
from gravispec.models.moments import Moments

N_COMPONENTS = 96


@dataclass
class Pca(Record):
    """mean (P,), components (k, P) orthonormal, explained_variance (k,) descending, total_variance of all P pixels."""

    mean: np.ndarray
    components: np.ndarray
    explained_variance: np.ndarray
    total_variance: float

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(m, P) -> (m, k) float64 scores. X may be a tensor, and so are its scores then."""
        return (X - like(self.mean, X)) @ like(self.components, X).T

    def leading(self, k: int) -> "Pca":
        """The first k components alone. InputError if there are fewer."""
        if len(self.components) < k:
            raise InputError(f"{k} principal components are needed, the training stars gave {len(self.components)}")
        return Pca(self.mean, self.components[:k], self.explained_variance[:k], self.total_variance)


def pca_from_moments(moments: Moments, n_components: int) -> Pca:
    """The n_components leading components; the sign of each makes its largest absolute entry positive.

    The moments may be on a GPU, the components are NumPy's.
    Raises InputError if n_components exceeds what n rows of P pixels can have, min(n - 1, P).
    """
    n_pixels = len(moments.mean_x)
    most = min(moments.n - 1, n_pixels)
    if not 1 <= n_components <= most:
        raise InputError(f"{n_components} components of {moments.n} spectra of {n_pixels} pixels: ask for 1 to {most}")
    covariance = moments.scatter
    covariance /= moments.n - 1
    xp = namespace(covariance)
    total_variance = float(xp.trace(covariance))
    first = n_pixels - n_components
    if xp is np:
        variance, vectors = eigh(covariance, lower=True, subset_by_index=[first, n_pixels - 1], overwrite_a=True)
    else:
        variance, vectors = (host(found[..., first:]) for found in xp.linalg.eigh(covariance))
    components = vectors.T[::-1]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1, keepdims=True), axis=1)
    return Pca(np.array(host(moments.mean_x)), components * np.sign(largest), variance[::-1].copy(), total_variance)
