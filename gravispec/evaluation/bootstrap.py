"""Paired bootstrap of R² and RMSE over test stars: every resample of stars scores all models."""

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from gravispec.evaluation.cells import cells


def r2_resamples(log_g, predictions, *, resamples, seed):
    """R² of every model on every resample of the stars.

    ``log_g`` (N,); ``predictions``: DataFrame (N, models). Returns a DataFrame (resamples, models). Rows are paired: a
    row is one resample, so differences of columns are paired differences.
    """
    return _resamples(log_g, predictions, resamples=resamples, seed=seed)[0]


def _resamples(log_g, predictions, *, resamples, seed):
    """The same, and the standard deviation of log_g (resamples,) in every resample, dex."""
    log_g = np.asarray(log_g, float)
    squares = np.ascontiguousarray(((predictions.to_numpy(float) - log_g[:, None]) ** 2).T)  # (models, N)

    def r2(stars, axis=-1):
        drawn = log_g[stars]
        total = np.sum((drawn - drawn.mean(axis=axis, keepdims=True)) ** 2, axis=axis)
        return np.stack([*(1.0 - square[stars].sum(axis=axis) / total for square in squares), total])

    result = bootstrap(
        (np.arange(len(log_g)),),
        r2,
        n_resamples=resamples,
        batch=100,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    *found, total = result.bootstrap_distribution
    return pd.DataFrame(np.array(found).T, columns=predictions.columns), np.sqrt(total / len(log_g))


def interval(distribution, confidence):
    """Percentile interval ``(low, high)`` of a resampled statistic, whose resamples are the last axis."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(distribution, [tail, 1.0 - tail], axis=-1)
    return low, high


def resampled(predictions, models, *, seed, resamples):
    """Long table with columns resample, noise_level, n_train, stars, model, r2, rmse (dex); the same resamples in every
    cell."""
    parts = []
    for cell in cells(predictions, models):
        table, scatter = _resamples(cell.rows["log_g"], cell.values, resamples=resamples, seed=seed)
        long = table.rename_axis("resample").reset_index().melt("resample", var_name="model", value_name="r2")
        parts.append(long.assign(**cell.key, rmse=np.sqrt(1 - long["r2"]) * scatter[long["resample"]]))
    return pd.concat(parts, ignore_index=True)[["resample", *cell.key, "model", "r2", "rmse"]]


def samples_of(samples, cell, of="r2"):
    """The (resamples, models) table of one cell, of R² or ``rmse``, from the long one."""
    mine = np.logical_and.reduce([samples[name] == value for name, value in cell.key.items()])
    return samples[mine].pivot(index="resample", columns="model", values=of)
