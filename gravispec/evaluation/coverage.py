"""Do the intervals of a catalogue cover as many test stars as they promise?

A split-conformal interval whose half-width is the k-th smallest of n calibration residuals covers a new star with a
probability that is, over calibrations, Beta(k, n + 1 - k); so the number that it covers of m test stars of that S/N bin
is beta-binomial (Vovk 2012, PMLR 25, 475; Angelopoulos & Bates 2021, arXiv:2107.07511, section 3.2). Bins are
calibrated apart: the number over several of them is a sum of independent ones. This is exact for all stars and in the
S/N bins. In bins of a label nothing is promised: the band there says what to expect if residuals did not depend on it.
"""

from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import betabinom

from gravispec.evaluation.calibration import fitted
from gravispec.evaluation.cells import grouped, labels_of, largest, quantile_edges, sigma_of, usable
from gravispec.labels import LABELS
from gravispec.models.intervals import CONFIDENCES, rank

BAND = 0.99  # probability that the coverage lies in its band, where it is as promised
LABEL_BINS = 3  # of equally many stars
PROMISED = ("all", "snr_measured")


def covered_pmf(n_test, n_calibration, confidence):
    """Probability (m + 1,) of every number of covered stars among m = Σ n_test: one number of each an S/N bin."""
    pmf = np.ones(1)
    for m, n in zip(n_test, n_calibration, strict=True):
        k = rank(n, confidence)
        pmf = np.convolve(pmf, betabinom.pmf(np.arange(m + 1), m, k, n + 1 - k))
    return pmf


@cache  # of models that share their stars
def coverage_band(n_test, n_calibration, confidence):
    """Central interval (low, high) of the covered share; at most (1 - BAND) / 2 lies beyond either limit.

    n_test, n_calibration : tuples, a number of stars an S/N bin
    """
    cumulative = np.cumsum(covered_pmf(n_test, n_calibration, confidence))
    low, high = np.searchsorted(cumulative, [(1 - BAND) / 2, (1 + BAND) / 2])
    return low / sum(n_test), high / sum(n_test)


def coverage(predictions, calibrations):
    """Coverage of the test stars' intervals, a row for every noise level, model, group of stars, confidence and label.

    calibrations : ``{noise level: what calibration returned}``

    n_test stars; their coverage, the band in which it should lie and whether it does (``inside``); whether conformal
    intervals promise that (``promised``); mean half-width, in K for T_eff and dex; ``pull_std``, the standard deviation
    of (predicted - true) / σ with σ the half-width of the 68 % interval, about 1 for normal residuals.
    """
    parts = []
    for level, calibration in calibrations.items():
        rows = largest(predictions[predictions["noise_level"] == level])
        for model in calibration["models"]:
            table = _of_model(usable(rows[rows["split"] == "test"], model), model, *fitted(calibration, model))
            table.insert(0, "model", model)
            table.insert(0, "noise_level", level)
            parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _of_model(stars, model, scale, intervals):
    snr = stars["snr_measured"].to_numpy()
    given = labels_of(stars, model)
    residuals = given - stars[list(LABELS)].to_numpy()  # (N, T)
    half_width = intervals(snr) * (scale(given) * sigma_of(stars, model))[:, :, None]  # (N, T, C)
    pulls = residuals / half_width[:, :, CONFIDENCES.index(0.68)]
    inside = np.abs(residuals)[:, :, None] <= half_width

    edges = {"snr_measured": np.concatenate([[-np.inf], intervals.snr_edges, [np.inf]])}
    edges |= {label: quantile_edges(stars[label], LABEL_BINS) for label in LABELS}
    table = []
    for about, group in grouped(stars.reset_index(drop=True), edges):
        i = group.index
        of_bin = np.bincount(intervals.bin(snr[i]), minlength=len(intervals.n))
        for c, confidence in enumerate(CONFIDENCES):
            low, high = coverage_band(tuple(of_bin), tuple(intervals.n), confidence)
            for t, label in enumerate(LABELS):
                share = inside[i, t, c].mean()
                row = {"label": label, "nominal": confidence, **about, "n_test": len(i), "coverage": share}
                row |= {"band_low": low, "band_high": high, "inside": low <= share <= high}
                row |= {"promised": about["by"] in PROMISED, "half_width": half_width[i, t, c].mean()}
                table.append(row | {"pull_std": pulls[i, t].std()})
    return pd.DataFrame(table)
