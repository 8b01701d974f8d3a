"""Residuals of predicted labels on the test stars as a referee asks for them, and giants taken for dwarfs."""

import numpy as np
import pandas as pd
from scipy.stats import binomtest, bootstrap, median_abs_deviation

from gravispec.data.stars import LABELS
from gravispec.evaluation.calibration import predicted
from gravispec.evaluation.groups import grouped, quantile_edges

N_BINS = 8
MIN_STARS = 50  # a bin
GIANT = 3.5  # dex; giants lie below


def scatter(residuals, axis=-1):
    """σ_MAD: 1.4826 times the median distance from the median, the standard deviation of a normal distribution."""
    return median_abs_deviation(residuals, axis=axis, scale="normal")


def residuals_table(predictions, source, *, resamples, confidence, seed):
    """Bias and scatter of predicted log_g, T_eff and M_H over all test stars and in bins of true labels and S/N.

    Δ = predicted - true, in K for T_eff and dex. bias: its median; scatter: its σ_MAD; both with a percentile bootstrap
    interval over the stars of the row. outliers: share with |Δ| > 3 scatter of the same row, 0.27 % for normal
    residuals without bias. p16, p84: quantiles of Δ. ``source``: the model that gives each label.
    """
    stars = predictions[predictions["split"] == "test"].reset_index(drop=True)
    residuals = predicted(stars, source) - stars[list(LABELS)].to_numpy()  # (N, T)
    n_bins = int(np.clip(len(stars) // MIN_STARS, 1, N_BINS))
    edges = {column: quantile_edges(stars[column], n_bins) for column in (*LABELS, "snr_measured")}
    table = []
    for about, group in grouped(stars, edges):
        for t, label in enumerate(LABELS):
            delta = residuals[group.index, t]
            low, high = _interval(delta, resamples=resamples, confidence=confidence, seed=seed)
            row = {"label": label, **about, "median": np.nan if about["by"] == "all" else group[about["by"]].median()}
            row |= {"n_test": len(delta), "bias": np.median(delta), "bias_ci_low": low[0], "bias_ci_high": high[0]}
            row |= {"scatter": scatter(delta), "scatter_ci_low": low[1], "scatter_ci_high": high[1]}
            row["outliers"] = np.mean(np.abs(delta) > 3 * row["scatter"])
            table.append(row | dict(zip(("p16", "p84"), np.quantile(delta, [0.16, 0.84]), strict=True)))
    return pd.DataFrame(table)


def _interval(delta, *, resamples, confidence, seed):
    """``(low, high)``, (2,) each, of the median and the scatter of ``delta`` (n,)."""
    result = bootstrap(
        (delta,),
        lambda sample, axis=-1: np.stack([np.median(sample, axis=axis), scatter(sample, axis=axis)]),
        n_resamples=resamples,
        confidence_level=confidence,
        batch=100,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return result.confidence_interval


def giants_dwarfs_table(predictions, *, confidence):
    """Test stars by true (rows) and predicted class, giants with log g < 3.5.

    completeness: share of the true members that are predicted as such; contamination: share of the predicted members
    that are not; both with a Wilson interval, and NaN where there is no star to take a share of.
    """
    stars = predictions[predictions["split"] == "test"]
    true, found = stars["log_g"] < GIANT, stars["mlp"] < GIANT
    table = []
    for name, is_true, is_found in (("giant", true, found), ("dwarf", ~true, ~found)):
        both = int((is_true & is_found).sum())
        row = {"true": name, "n_test": int(is_true.sum())}
        row |= {"predicted_giant": int((is_true & found).sum()), "predicted_dwarf": int((is_true & ~found).sum())}
        row |= _share("completeness", both, int(is_true.sum()), confidence)
        row |= _share("contamination", int(is_found.sum()) - both, int(is_found.sum()), confidence)
        table.append(row)
    return pd.DataFrame(table)


def _share(name, k, n, confidence):
    """``{name, name_ci_low, name_ci_high}`` of k among n."""
    if n == 0:
        return dict.fromkeys((name, f"{name}_ci_low", f"{name}_ci_high"), np.nan)
    low, high = binomtest(k, n).proportion_ci(confidence, method="wilson")
    return {name: k / n, f"{name}_ci_low": low, f"{name}_ci_high": high}
