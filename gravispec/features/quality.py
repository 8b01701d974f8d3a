"""How good a spectrum is, and how like the training spectra: its S/N and the χ² of its reconstruction."""

import numpy as np

from gravispec.device import host, like
from gravispec.models.pca import Pca
from gravispec.spectra.normalise import row_median

DEFINITION = "median flux / error; reduced χ² of the reconstruction from the principal components of the training flux"
UNIT = "1"
NAMES = ("snr", "chi2")


def snr(flux: np.ndarray, sigma: np.ndarray, measured: np.ndarray | None = None) -> np.ndarray:
    """(m,) median over the pixels (m, P), or over the ``measured`` ones (m, P) bool, of flux / sigma."""
    ratio = flux / sigma
    median = host(row_median(ratio))
    if measured is not None:
        for row in np.flatnonzero(~measured.all(axis=1)):
            kept = ratio[row, measured[row]]
            median[row] = np.median(kept) if kept.size else np.nan
    return median


def chi2(flux: np.ndarray, sigma: np.ndarray, pca: Pca, measured: np.ndarray | None = None) -> np.ndarray:
    """(m,) Σ ((flux - reconstruction) / sigma)² over the (measured) pixels, per degree of freedom.

    NaN where no more pixels are measured than there are components.
    """
    squares = pca.transform(flux) @ like(pca.components, flux)  # in place from here on: the passes over pixels count
    squares += like(pca.mean, flux) - flux
    squares /= sigma
    squares *= squares
    if measured is None or measured.all():
        total, n_pixels = host(squares.sum(axis=1)), np.full(len(flux), flux.shape[1])
    else:
        total, n_pixels = np.sum(squares, axis=1, where=measured), measured.sum(axis=1)
    freedom = (n_pixels - len(pca.components)).astype(float)
    return total / np.where(freedom > 0, freedom, np.nan)


def chi2_of_part(flux: np.ndarray, sigma: np.ndarray, pca: Pca, measured: np.ndarray) -> np.ndarray:
    """(m,) the same from the ``measured`` pixels alone, for wide gaps: scores are those that fit best.

    They have the prior of the training spectra, and the scale of the flux is free: its median is of other pixels there.
    """
    basis = np.vstack([pca.mean, pca.components]).astype(np.float64)
    prior = np.diag(np.concatenate([[0], 1 / pca.explained_variance]))
    found = np.full(len(flux), np.nan)
    for row in np.flatnonzero(measured.sum(axis=1) > len(basis)):
        pixels = measured[row]
        scaled, of_star = basis[:, pixels] / sigma[row, pixels], flux[row, pixels] / sigma[row, pixels]
        scores = np.linalg.solve(scaled @ scaled.T + prior, scaled @ of_star)
        found[row] = np.square(of_star - scores @ scaled).sum() / (pixels.sum() - len(basis))
    return found


def features(flux: np.ndarray, sigma: np.ndarray, pca: Pca) -> np.ndarray:
    """(m, 2) from flux and its errors (m, P), which may be tensors."""
    return np.stack([snr(flux, sigma), chi2(flux, sigma, pca)], axis=1)
