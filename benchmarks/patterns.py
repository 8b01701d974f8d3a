"""Artificial spectra on disk for the Ridge and the principal components; imports little, as memory is measured."""

import numpy as np

from gravispec.data.arrays import RowReader, blocks, row_writer

SEED = 0
N_PATTERNS = 30


def write_patterns(folder, n_rows, n_pixels):
    """Flux near 1 with 30 smooth patterns and the pixel noise of S/N 40: flux.npy (n, P) float32, y.npy (n,)."""
    rng = np.random.default_rng(SEED)
    patterns = rng.normal(0, 0.02, (N_PATTERNS, n_pixels))
    sigma = rng.uniform(0.015, 0.05, n_pixels)
    weights = rng.normal(size=(n_rows, N_PATTERNS))
    folder.mkdir(parents=True, exist_ok=True)
    with row_writer(folder / "flux.npy", (n_rows, n_pixels)) as append:
        for lo, hi in blocks(0, n_rows):
            append(1 + weights[lo:hi] @ patterns + sigma * rng.normal(size=(hi - lo, n_pixels)))
    np.save(folder / "y.npy", 3 + weights[:, 0] + 0.3 * weights[:, 1] ** 2)
    return folder


def read_patterns(folder):
    """A reader of the flux, and y (n,)."""
    return RowReader(folder / "flux.npy"), np.load(folder / "y.npy", allow_pickle=False)
