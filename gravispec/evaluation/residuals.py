"""Residuals of predicted labels on the test stars as a referee asks for them, and giants taken for dwarfs.

Tables are of the models ``deployed``, which do without true labels, at the largest number of training stars.
"""

import numpy as np
import pandas as pd
from scipy.stats import binomtest, median_abs_deviation

from gravispec.evaluation.bootstrap import interval
from gravispec.evaluation.cells import grouped, labels_of, largest, quantile_edges, usable
from gravispec.labels import LABELS

N_BINS = 8
MIN_STARS = 50  # a bin
GIANT = 3.5  # dex; giants lie below
NORMAL = 1 / 0.6744897501960817  # of a median distance from the median, to make it a standard deviation
BATCH = 200_000  # stars in resamples at a time


def scatter(residuals, axis=-1):
    """σ_MAD: 1.4826 times the median distance from the median, the standard deviation of a normal distribution."""
    return median_abs_deviation(residuals, axis=axis, scale="normal")


def residuals(predictions, deployed, *, seed, resamples, confidence):
    """Bias and scatter of predicted log_g, T_eff and M_H over all test stars and in bins of true labels and S/N.

    Δ = predicted - true, in K for T_eff and dex. bias: its median; scatter: its σ_MAD; both with a percentile bootstrap
    interval over the stars of the row. outliers: share with |Δ| > 3 scatter of the same row, 0.27 % for normal
    residuals without bias. p16, p84: quantiles of Δ. Models on the same stars are resampled together.
    """
    parts = []
    for level, tables in _test_stars(predictions, deployed):
        together = {}
        for model, stars in tables.items():
            together.setdefault(tuple(stars.index), []).append(model)
        found = [
            _rows(
                tables[names[0]], {name: labels_of(tables[name], name) for name in names}, seed, resamples, confidence
            )
            for names in together.values()
        ]
        table = pd.concat(found, ignore_index=True)
        table.insert(0, "noise_level", level)
        parts += [table[table["model"] == model] for model in tables]
    return pd.concat(parts, ignore_index=True)


def _test_stars(predictions, deployed):
    """``(noise level, {model: its test stars})``."""
    for level, rows in predictions.groupby("noise_level"):
        test = largest(rows).query("split == 'test'")
        found = {model: usable(test, model) for model in deployed}
        yield level, {model: stars for model, stars in found.items() if len(stars)}


def _rows(stars, predicted, seed, resamples, confidence):
    """Rows of models that predict labels (N, T) of the same stars, in the order of groups, models and labels."""
    n_bins = int(np.clip(len(stars) // MIN_STARS, 1, N_BINS))
    edges = {column: quantile_edges(stars[column], n_bins) for column in (*LABELS, "snr_measured")}
    stars = stars.reset_index(drop=True)
    columns = [(model, label) for model in predicted for label in LABELS]
    every = np.hstack(list(predicted.values())) - np.tile(stars[list(LABELS)].to_numpy(), len(predicted))
    # models of log g alone share their other labels
    distinct, which = np.unique(every, axis=1, return_inverse=True)
    table = []
    for about, group in grouped(stars, edges):
        about |= {"median": np.nan if about["by"] == "all" else group[about["by"]].median(), "n_test": len(group)}
        delta = distinct[group.index]
        drawn = resampled_spread(delta, resamples, seed)
        found = [_statistics(delta[:, j], *drawn[:, j], confidence) for j in range(delta.shape[1])]
        for (model, label), j in zip(columns, which.ravel(), strict=True):
            table.append({"model": model, "label": label, **about, **found[j]})
    return pd.DataFrame(table)


def _statistics(delta, biases, scatters, confidence):
    """Columns of a row from residuals (n,) and their resampled bias and scatter (resamples,)."""
    row = {"bias": np.median(delta), "scatter": scatter(delta)}
    for name, drawn in (("bias", biases), ("scatter", scatters)):
        row |= dict(zip((f"{name}_ci_low", f"{name}_ci_high"), interval(drawn, confidence), strict=True))
    row["outliers"] = np.mean(np.abs(delta) > 3 * row["scatter"])
    return row | dict(zip(("p16", "p84"), np.quantile(delta, [0.16, 0.84]), strict=True))


def resampled_spread(delta, resamples, seed):
    """Median and σ_MAD (2, D, resamples) of D columns of residuals (n, D); every column has the same resamples."""
    n, rng, found = len(delta), np.random.default_rng(seed), []
    columns = np.ascontiguousarray(delta.T)
    batch = max(BATCH // n, 1)
    for first in range(0, resamples, batch):
        stars = rng.integers(0, n, (min(batch, resamples - first), n))
        found.append([_of_sorted(np.sort(column[stars], axis=1)) for column in columns])
    return np.concatenate(found, axis=-1).transpose(1, 0, 2)


def _of_sorted(x):
    """Median and σ_MAD, (2, m), of rows (m, n) in rising order: as ``np.median`` and ``scatter``, but fast.

    The k-th smallest distance from a point is the least that any k neighbouring values keep within.
    """
    n = x.shape[1]
    middle = ((n - 1) // 2, n // 2)
    median = x[:, middle].mean(axis=1)
    within = [np.maximum(median[:, None] - x[:, : n - k], x[:, k:] - median[:, None]).min(axis=1) for k in middle]
    return np.stack([median, NORMAL * np.mean(within, axis=0)])


def giants_dwarfs(predictions, deployed, *, confidence):
    """Test stars by true (rows) and predicted class, giants with log g < 3.5.

    completeness: share of the true members that are predicted as such; contamination: share of the predicted members
    that are not; both with a Wilson interval, and NaN where there is no star to take a share of.
    """
    table = []
    for level, tables in _test_stars(predictions, deployed):
        for model, stars in tables.items():
            true, found = stars["log_g"] < GIANT, stars[model] < GIANT
            for name, is_true, is_found in (("giant", true, found), ("dwarf", ~true, ~found)):
                both, n_true, n_found = (int(these.sum()) for these in (is_true & is_found, is_true, is_found))
                row = {"noise_level": level, "model": model, "true": name, "n_test": n_true}
                row |= {
                    "predicted_giant": int((is_true & found).sum()),
                    "predicted_dwarf": int((is_true & ~found).sum()),
                }
                row |= _share("completeness", both, n_true, confidence)
                table.append(row | _share("contamination", n_found - both, n_found, confidence))
    return pd.DataFrame(table)


def _share(name, k, n, confidence):
    """``{name, name_ci_low, name_ci_high}`` of k among n."""
    if n == 0:
        return dict.fromkeys((name, f"{name}_ci_low", f"{name}_ci_high"), np.nan)
    low, high = binomtest(k, n).proportion_ci(confidence, method="wilson")
    return {name: k / n, f"{name}_ci_low": low, f"{name}_ci_high": high}
