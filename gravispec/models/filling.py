"""Spectra with masked pixels: their fill, and what it may cost the labels, whatever the model is that reads them.

Reference spectra are noisy validation spectra without masks. Those most like the spectrum get its very mask, are
reconstructed with its weights, and differ from that by what a fill of this mask misses in stars of this kind: noise,
and signal beyond the components. The fill plus each of these differences are equally likely versions of the spectrum.
Their mean is the fill; the labels that the model reads in them scatter by what the fill may cost.

That takes a few milliseconds a spectrum. Gaps of a few pixels, as of cosmic rays, mostly cost next to nothing by their
neighbours' fill, and that is found in microseconds: how far neighbours miss a pixel, times what the Ridge reads in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm

from gravispec.data.arrays import blocks
from gravispec.features.reconstruct import Reconstruction, loadings
from gravispec.models.intervals import CONFIDENCES, rank
from gravispec.models.pca import Pca

N_REFERENCES = 512
N_VERSIONS = 40  # of a spectrum: the fewest that 95 % can be told from
LITTLE = 0.5  # of the half-width of an interval, which such a cost widens by 12 %
SHORT = 5  # pixels of a gap that neighbours may fill
BLOCK = 8  # spectra; their versions are held at once
ROUNDS = 2  # of the fill and the normalisation, which depends on the fill

Rows = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class References:
    """flux (R, P) float32, noisy, normalised as in training; snr (R,)."""

    flux: np.ndarray
    snr: np.ndarray

    @cached_property
    def missed(self) -> np.ndarray:
        """(2, P): a pixel less the mean of its neighbours across a short gap has the mean square [0] + [1] / snr²."""
        side = SHORT // 2 + 1
        square = np.zeros(self.flux.shape)
        square[:, side:-side] = self.flux[:, side:-side] - (self.flux[:, : -2 * side] + self.flux[:, 2 * side :]) / 2
        square **= 2
        # least squares of signal and noise, each spectrum weighted by what its squares scatter: about 1 / snr²
        ratio = np.square(np.maximum(self.snr, 1e-3))
        found = np.linalg.lstsq(np.column_stack([ratio, np.ones_like(ratio)]), square * ratio[:, None])[0]
        return np.maximum(found, 0)

    def nearest(self, own: np.ndarray, labels: np.ndarray, snr: np.ndarray) -> np.ndarray:
        """(m, n) rows of the ``N_VERSIONS`` nearest in labels (m, T) and ln S/N (m,), in standard deviations.

        ``own``: the labels (R, T) of the references.
        """
        own, others = (
            np.column_stack([of, np.log(np.maximum(ratio, 1e-3))]) for of, ratio in ((own, self.snr), (labels, snr))
        )
        scale = own.std(axis=0)
        scale[scale == 0] = 1
        distance = np.square((others[:, None] - own) / scale).sum(axis=2)
        return np.argsort(distance, axis=1, kind="stable")[:, :N_VERSIONS]


def short_gaps(measured: np.ndarray) -> np.ndarray:
    """(m,) whether spectra with measured pixels (m, P) have no gap of more than ``SHORT`` pixels."""
    n = measured.shape[1] - SHORT
    return np.logical_or.reduce([measured[:, i : i + n] for i in range(SHORT + 1)]).all(axis=1)


def bridged(measured: np.ndarray, snr: np.ndarray, coef: np.ndarray, references: References) -> np.ndarray:
    """What labels linear in flux by ``coef`` (P, T) may lose by the neighbours' fill of short gaps.

    measured (m, P), snr (m,); returns (m, T, len(CONFIDENCES)): σ² = Σ coef² × mean square of what the fill misses,
    over the pixels to fill; σ times the quantiles of a normal distribution.
    """
    weight, missing = np.square(coef), (~measured).astype(np.float32)
    signal, noise = (missing @ (part[:, None] * weight).astype(np.float32) for part in references.missed)
    sigma = np.sqrt(signal + noise / np.square(np.maximum(snr, 1e-3))[:, None])
    return sigma[:, :, None] * norm.ppf(0.5 + np.array(CONFIDENCES) / 2)


def fill(
    flux: np.ndarray,
    sigma: np.ndarray,
    measured: np.ndarray,
    snr: np.ndarray,
    *,
    pca: Pca,
    references: References,
    divisor: Rows,
    likeness: Rows,
    labels: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised flux (m, P) float64, filled where not ``measured``, and what that may cost, (m, T, len(CONFIDENCES)).

    The cost for confidence c is the ⌈(n + 1) c⌉-th smallest change of a label among the n versions of the spectrum.

    Args:
        flux: (m, P), with any finite guess in the pixels to fill; sigma (m, P), 1σ errors of flux over its divisor.
        measured: (m, P) bool, some pixels of every row; snr: (m,).
        divisor: what normalises flux (m, P) as in training, (m, 1) or (m, P).
        likeness: from normalised flux (m, P) to labels (m, T) by which stars are alike.
        labels: by the model, from normalised flux and sigma (m, P) to (m, T).
    """
    components, of_references, parts = loadings(pca), likeness(references.flux), []
    for lo, hi in blocks(0, len(flux), BLOCK):
        rows = slice(lo, hi)
        guess = np.array(flux[rows], np.float64)
        operators = [Reconstruction(pca.mean, components, *of) for of in zip(sigma[rows], measured[rows], strict=True)]
        first = _first(guess, operators, divisor)
        near = references.nearest(of_references, likeness(first), snr[rows])
        known = zip(guess, operators, near, strict=True)
        own, versions = zip(*(_versions(row, op, references.flux[i], divisor) for row, op, i in known), strict=True)
        own, n = np.concatenate(own), near.shape[1]
        of_versions = labels(np.concatenate(versions), np.repeat(sigma[rows], n, axis=0)).reshape(len(own), n, -1)
        change = np.abs(of_versions - labels(own, sigma[rows])[:, None])
        change.sort(axis=1)
        parts.append((own, np.stack([change[:, rank(n, c) - 1] for c in CONFIDENCES], axis=2)))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _first(flux, operators, divisor):
    """Normalised flux (m, P) with the reconstruction of each row; ``flux`` is filled in place."""
    scale = np.broadcast_to(divisor(flux), flux.shape)
    for row, of_row, operator in zip(flux, scale, operators, strict=True):
        row[operator.missing] = operator((row / of_row)[None])[0] * of_row[operator.missing]
    return flux / divisor(flux)


def _versions(flux, operator, references, divisor):
    """The filled spectrum (1, P) and its versions (n, P), normalised, from flux (P,) and references (n, P)."""
    missing, scale = operator.missing, divisor(flux[None])
    missed = references[:, missing] - operator(references)
    own, versions = flux[None].copy(), np.repeat(flux[None].astype(np.float32), len(references), axis=0)
    for _ in range(ROUNDS):
        filled = (operator(own / scale) + missed) * np.broadcast_to(scale, own.shape)[:, missing]
        own[:, missing], versions[:, missing] = filled.mean(axis=0), filled
        # the median of a spectrum without noise in the filled pixels would be another one than in training
        of_versions = divisor(versions)
        scale = of_versions.mean(axis=0, keepdims=True)
    return own / scale, versions / of_versions
