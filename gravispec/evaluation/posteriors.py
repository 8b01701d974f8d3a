"""Do models that give a posterior know their errors, without calibration? Coverage, pulls and ranks of test stars."""

import numpy as np
import pandas as pd
from scipy import stats

from gravispec.evaluation.cells import MIN_STARS, grouped, labels_of, largest, quantile_edges, usable
from gravispec.labels import LABELS

NOMINAL = (0.5, 0.68, 0.9, 0.95)
BAND = 0.99  # probability that the coverages of all bins of a kind lie in their bands
BINS = {"snr_measured": 5, **dict.fromkeys(LABELS, 4)}  # of equally many stars
COLUMNS = ["noise_level", "model", "label", "by", "bin", "low", "high", "nominal", "n_test", "coverage"]
COLUMNS += ["band_low", "band_high", "inside", "pull_mean", "pull_std", "uniform_p"]


def posteriors(predictions):
    """A row a noise level, model with a posterior, label, group of stars and nominal share; for most training stars.

    ``coverage``: share of the test stars whose label lies within the central interval of a normal posterior with the
    mean and standard deviation that the model gives, and the binomial band in which it should lie, simultaneous over
    the bins of a kind; mean and standard deviation of the pulls (predicted - true) / σ. ``uniform_p``: of a
    Kolmogorov-Smirnov test that the probabilities of the true labels under their posteriors are uniform (ranks of
    simulation-based calibration, Talts et al. 2018, arXiv:1804.06788); a posterior that is not normal fails it with
    enough stars, however exact it is.
    """
    parts = []
    for level, of_level in predictions.groupby("noise_level"):
        rows = largest(of_level)
        models = [name.removeprefix("sigma_log_g_") for name in rows if name.startswith("sigma_log_g_")]
        for model in models:
            parts += [{"noise_level": level, "model": model, **row} for row in _of_model(usable(rows, model), model)]
    return pd.DataFrame(parts, columns=COLUMNS)


def _of_model(rows, model):
    test = rows[rows["split"] == "test"].reset_index(drop=True)
    sigma = test[[f"sigma_{label}_{model}" for label in LABELS]].to_numpy()
    pulls = (labels_of(test, model) - test[list(LABELS)].to_numpy()) / sigma
    edges = {name: quantile_edges(test[name], n) for name, n in BINS.items()}
    for about, group in grouped(test, edges):
        if len(group) < MIN_STARS:
            continue
        n, bins = len(group), BINS.get(about["by"], 1)
        for t, label in enumerate(LABELS):
            mine = pulls[group.index, t]
            uniform = stats.kstest(stats.norm.cdf(mine), "uniform").pvalue
            of_group = {"pull_mean": mine.mean(), "pull_std": mine.std(), "uniform_p": uniform}
            for nominal in NOMINAL:
                share = np.mean(np.abs(mine) <= stats.norm.ppf((1 + nominal) / 2))
                low, high = np.array(stats.binom.interval(BAND ** (1 / bins), n, nominal)) / n
                row = {"label": label, **about, "nominal": nominal, "n_test": n, "coverage": share}
                yield row | {"band_low": low, "band_high": high, "inside": low <= share <= high, **of_group}
