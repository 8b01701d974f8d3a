"""Prediction intervals by split-conformal calibration, conditional on the S/N of the spectrum, in any unit.

Half-width of the interval of confidence c in an S/N bin with n calibration stars: the ⌈(n + 1) c⌉-th smallest of their
|predicted - true|. A new star of that bin is covered with probability c or more, whatever the distribution of the
residuals (Vovk 2012, PMLR 25, 475; Lei et al. 2018, JASA 113, 1094).
"""

from dataclasses import dataclass

import numpy as np

from gravispec.errors import InputError

CONFIDENCES = (0.68, 0.95)
N_BINS = 5
MIN_STARS = 40  # a bin: with fewer, 95 % rest on the largest residual alone


@dataclass(frozen=True)
class Intervals:
    """snr_edges (B - 1,), between the S/N bins; half_width (B, T, len(CONFIDENCES)) of T labels; n (B,) stars."""

    snr_edges: np.ndarray
    half_width: np.ndarray
    n: np.ndarray

    def bin(self, snr):
        """S/N bin (m,) int; what lies beyond the calibration stars belongs to the first and the last."""
        return np.searchsorted(self.snr_edges, snr, side="right")

    def __call__(self, snr):
        """Half-widths (m, T, len(CONFIDENCES)); NaN where the S/N is."""
        return np.where(np.isfinite(snr)[:, None, None], self.half_width[self.bin(snr)], np.nan)


def rank(n, confidence):
    """Which of n residuals, from the smallest, is the half-width: ⌈(n + 1) c⌉, at most n."""
    return min(int(np.ceil((n + 1) * confidence)), n)


def calibrate(predicted, true, snr):
    """``Intervals`` from calibration stars that served no fit: predicted and true labels (n, T), S/N (n,)."""
    n_bins = int(np.clip(len(snr) // MIN_STARS, 1, N_BINS))
    if len(snr) < 20:
        raise InputError(f"{len(snr)} calibration stars; 20 at least are needed for intervals: raise n_stars.val")
    # S/N of stars, so that no bin is empty where many are equal
    edges = np.unique(np.quantile(snr, np.arange(1, n_bins) / n_bins, method="higher"))
    edges = edges[edges > snr.min()]
    n_bins = len(edges) + 1
    intervals = Intervals(edges, np.empty((n_bins, true.shape[1], len(CONFIDENCES))), np.empty(n_bins, int))
    residuals = np.abs(predicted - true)
    of_star = intervals.bin(snr)
    for b in range(n_bins):
        ordered = np.sort(residuals[of_star == b], axis=0)
        intervals.n[b] = n = len(ordered)
        for c, confidence in enumerate(CONFIDENCES):
            intervals.half_width[b, :, c] = ordered[rank(n, confidence) - 1]
    return intervals
