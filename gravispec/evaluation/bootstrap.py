"""Paired bootstrap of R² over test stars: every resample of stars scores all models."""

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from gravispec.evaluation.metrics import r2_rows


def r2_resamples(log_g, predictions, *, resamples, seed):
    """R² of every model on every resample of the stars.

    ``log_g`` (N,); ``predictions``: DataFrame (N, models). Returns a DataFrame (resamples, models). Rows are paired: a
    row is one resample, so differences of columns are paired differences.
    """
    log_g = np.asarray(log_g, float)
    values = predictions.to_numpy(float).T
    result = bootstrap(
        (np.arange(len(log_g)),),
        lambda stars, axis=-1: r2_rows(log_g[stars], values[:, stars]),
        n_resamples=resamples,
        batch=100,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return pd.DataFrame(result.bootstrap_distribution.T, columns=predictions.columns)


def interval(distribution, confidence):
    """Percentile interval ``(low, high)`` of a resampled statistic."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(distribution, [tail, 1.0 - tail])
    return low, high


def compare(samples, log_g, predictions, pairs, *, confidence):
    """One row a pair of models ``(a, b)``: ΔR² = R²(a) - R²(b) on the same stars, with its paired interval."""
    rows = []
    r2 = dict(zip(predictions, r2_rows(np.asarray(log_g), predictions.to_numpy(float).T), strict=True))
    for a, b in pairs:
        difference = samples[a] - samples[b]
        low, high = interval(difference, confidence)
        rows.append(
            {
                "comparison": f"{a} - {b}",
                "n_test": len(log_g),
                "delta_r2": r2[a] - r2[b],
                "resampled_mean": difference.mean(),
                "ci_low": low,
                "ci_high": high,
                "fraction_positive": (difference > 0).mean(),
                "resamples": len(difference),
            }
        )
    return pd.DataFrame(rows)
