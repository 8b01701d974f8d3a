"""Baseline ``lightgbm``: gradient-boosted trees on the pixels (Ke et al. 2017, NeurIPS 30).

The published settings (method.md section 5), with 63 instead of LightGBM's 255 histogram bins a pixel: 0.6 of the time
(56 against 95 CPU seconds for 100 trees on 8,000 × 4096 noisy spectra, benchmarks/lightgbm.py) at the same R² (0.835,
0.831). The result is the same on any number of threads. Models are files in LightGBM's own text format, never pickles.
"""

import time
from pathlib import Path

import lightgbm as lgb
import numpy as np

from gravispec.errors import InputError
from gravispec.models.rows import gather

PROGRESS = 50  # trees between two lines in the log
SAMPLE = 20_000  # rows that the histogram bins are found on: LightGBM copies them, 12 bytes a value


class Trees:
    """Trained trees; ``n_trees`` of them, after early stopping."""

    def __init__(self, booster, *, threads=1):
        self.booster = booster
        self.n_trees = booster.num_trees()
        self.threads = threads

    def predict(self, X):
        """(m, P) -> (m,) float64."""
        return self.booster.predict(np.asarray(X, np.float32), num_threads=self.threads)

    def save(self, path):
        Path(path).write_text(self.booster.model_to_string(), encoding="utf-8")


def fit(
    train,
    val,
    *,
    n_trees=1000,
    learning_rate=0.05,
    leaves=63,
    feature_fraction=0.8,
    bagging_fraction=0.8,
    bagging_freq=5,
    patience=50,
    max_bin=63,
    seed,
    threads=1,
):
    """``Trees`` that minimise the squared error, stopped by ``val`` after ``patience`` trees without improvement.

    ``train``, ``val``: sized, re-readable chunks of flux X (m, P) and log_g (m,). ``feature_fraction`` of the pixels
    are drawn for every tree, ``bagging_fraction`` of the stars anew every ``bagging_freq`` trees. Prints a line every
    ``PROGRESS`` trees. Holds the training flux in memory, 4 n P bytes, until it is binned to 1 byte a value.
    """
    params = {
        "objective": "regression",
        "metric": "rmse",
        "learning_rate": learning_rate,
        "num_leaves": leaves,
        "feature_fraction": feature_fraction,
        "bagging_fraction": bagging_fraction,
        "bagging_freq": bagging_freq,
        "max_bin": max_bin,
        "bin_construct_sample_cnt": SAMPLE,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }
    X, y = gather(train)
    train_set = lgb.Dataset(X, y, params=params, free_raw_data=True).construct()
    del X
    X, log_g = gather(val)
    val_set = lgb.Dataset(X, log_g, reference=train_set, params=params, free_raw_data=True).construct()
    del X
    stop = lgb.early_stopping(patience, verbose=False)
    booster = lgb.train(params, train_set, n_trees, valid_sets=[val_set], callbacks=[_progress(log_g.std()), stop])
    model = Trees(booster, threads=threads)  # without the trees after the best one: lgb.train drops them
    print(f"{model.n_trees} trees kept", flush=True)
    return model


def load(path, *, threads=1):
    """Read ``Trees`` that ``save`` wrote. Raises ``InputError`` for any other file."""
    try:
        return Trees(lgb.Booster(model_str=Path(path).read_text(encoding="utf-8")), threads=threads)
    except (lgb.basic.LightGBMError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no LightGBM model ({error}); delete it and rerun") from None


def _progress(scatter):
    """A callback that prints trees, R² of the validation stars, whose log_g has this scatter (dex), and seconds."""
    start = time.perf_counter()

    def report(env):
        done = env.iteration + 1
        if done % PROGRESS == 0 or done == env.end_iteration:
            r2 = 1 - (env.evaluation_result_list[0][2] / scatter) ** 2
            seconds = time.perf_counter() - start
            print(f"{done} of {env.end_iteration} trees, validation R² {r2:.4f}, {seconds:.0f} s", flush=True)

    return report
