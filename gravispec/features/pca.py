"""Principal components of spectra, from the moments of the training flux."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from scipy.linalg import eigh

from gravispec.data.npz import load_npz, save_npz
from gravispec.errors import InputError
from gravispec.models.moments import Moments


@dataclass
class Pca:
    """mean (P,), components (k, P) orthonormal, explained_variance (k,) descending, total_variance of all P pixels."""

    mean: np.ndarray
    components: np.ndarray
    explained_variance: np.ndarray
    total_variance: float

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(m, P) -> (m, k) float64 scores."""
        return (X - self.mean) @ self.components.T

    def save(self, file: str | Path | BinaryIO) -> None:
        save_npz(file, self)

    @classmethod
    def load(cls, file: str | Path | BinaryIO) -> "Pca":
        return load_npz(file, cls)


def pca_from_moments(moments: Moments, n_components: int) -> Pca:
    """The n_components leading components; the sign of each makes its largest absolute entry positive.

    Raises InputError if n_components exceeds what n rows of P pixels can have, min(n - 1, P).
    """
    n_pixels = len(moments.mean) - 1
    most = min(moments.n - 1, n_pixels)
    if not 1 <= n_components <= most:
        raise InputError(f"{n_components} components of {moments.n} spectra of {n_pixels} pixels: ask for 1 to {most}")
    covariance = moments.scatter[1:, 1:] / (moments.n - 1)
    total_variance = float(np.trace(covariance))
    leading = [n_pixels - n_components, n_pixels - 1]
    variance, vectors = eigh(covariance, lower=True, subset_by_index=leading, overwrite_a=True)
    components = vectors.T[::-1]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1, keepdims=True), axis=1)
    return Pca(moments.mean[1:].copy(), components * np.sign(largest), variance[::-1].copy(), total_variance)
