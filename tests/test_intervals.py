"""Split-conformal intervals keep what they promise, overall and in every S/N bin."""

import numpy as np
import pytest
from scipy.stats import betabinom

from gravispec.errors import InputError
from gravispec.models.intervals import CONFIDENCES, calibrate


def skewed(n, seed):
    """Predictions of two labels with skewed residuals whose size depends on the S/N, and on nothing that is known."""
    rng = np.random.default_rng(seed)
    snr = rng.lognormal(2, 0.5, n)
    true = rng.uniform(1, 5, (n, 2))
    return true + (rng.gamma(1.5, 1, (n, 2)) - 1) / snr[:, None], true, snr


def test_coverage_lies_in_the_exact_band_of_every_bin():
    intervals = calibrate(*skewed(2000, 1))
    predicted, true, snr = skewed(20_000, 2)
    half_width, bins = intervals(snr), intervals.bin(snr)
    assert intervals.n.sum() == 2000
    assert len(intervals.n) == 5
    for b, n_cal in enumerate(intervals.n):
        rows = bins == b
        for c, confidence in enumerate(CONFIDENCES):
            rank = np.ceil((n_cal + 1) * confidence)
            low, high = betabinom.ppf([0.0005, 0.9995], rows.sum(), rank, n_cal + 1 - rank)
            covered = (np.abs(predicted - true)[rows] <= half_width[rows, :, c]).sum(axis=0)
            assert ((low <= covered) & (covered <= high)).all(), (b, confidence)
    assert (np.diff(intervals.half_width[:, 0, 0]) < 0).all()  # narrower at higher S/N


def test_half_width_is_the_order_statistic():
    predicted = np.arange(1.0, 40.0)[:, None]
    intervals = calibrate(predicted, 0 * predicted, np.full(39, 10.0))
    assert intervals.half_width[0, 0].tolist() == [28.0, 38.0]  # ⌈40 · 0.68⌉ and 40 · 0.95
    np.testing.assert_array_equal(intervals(np.array([1e-3, 1e9]))[:, 0], [[28, 38], [28, 38]])
    assert np.isnan(intervals(np.array([np.nan]))).all()


def test_too_few_stars():
    with pytest.raises(InputError, match="19 calibration stars"):
        calibrate(np.zeros((19, 1)), np.zeros((19, 1)), np.ones(19))
