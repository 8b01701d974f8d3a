"""Gradient-boosted trees on the pixels (LightGBM; Ke et al. 2017, NeurIPS 30).

The published settings (method.md section 5), with 63 instead of LightGBM's 255 histogram bins a pixel: 0.6 of the time
(56 against 95 CPU seconds for 100 trees on 8,000 × 4096 noisy spectra, benchmarks/lightgbm.py) at the same R² (0.835,
0.831). The result is the same on any number of threads. Trees are kept in LightGBM's own text format, never pickles.
"""

import time

import lightgbm as lgb
import numpy as np

from gravispec.models.model import Model
from gravispec.models.rows import gather
from gravispec.options import Count, Rate

LABELS = ("log_g",)
COST = {"seconds": 60, "ms": 30, "MB": 700, "spectra": 1.25}
PROGRESS = 50  # trees between two lines in the log
SAMPLE = 20_000  # rows that the histogram bins are found on: LightGBM copies them, 12 bytes a value


class Trees(Model):
    """Trained trees; ``n_trees`` of them, after early stopping."""

    def __init__(self, booster, *, threads=1, about=None):
        self.booster, self.threads, self.about = booster, threads, about or {}
        self.n_trees = booster.num_trees()

    def predict(self, flux):
        """log g of flux (m, P)."""
        return {"log_g": self.booster.predict(np.asarray(flux, np.float32), num_threads=self.threads)}

    def state(self):
        return {}, {"trees": np.frombuffer(self.booster.model_to_string().encode(), np.uint8)}

    @classmethod
    def build(cls, header, arrays):
        try:
            return cls(lgb.Booster(model_str=arrays["trees"].tobytes().decode()))
        except lgb.basic.LightGBMError as error:
            raise ValueError(error) from None


def fit(
    flux,
    labels,
    *,
    n_trees: Count = 1000,
    learning_rate: Rate = 0.05,
    leaves: Count = 63,
    feature_fraction: Rate = 0.8,
    bagging_fraction: Rate = 0.8,
    bagging_freq: Count = 5,
    patience: Count = 50,
    max_bin: Count = 63,
    seed,
    threads=1,
):
    """``Trees`` that minimise the squared error, stopped by the validation stars.

    ``feature_fraction`` of the pixels are drawn for every tree, ``bagging_fraction`` of the stars anew every
    ``bagging_freq`` trees; ``patience`` trees without improvement end it. Prints a line every ``PROGRESS`` trees. Holds
    the training flux in memory, 4 n P bytes, until it is binned to 1 byte a value.
    """
    params = {
        "learning_rate": learning_rate,
        "num_leaves": leaves,
        "feature_fraction": feature_fraction,
        "bagging_fraction": bagging_fraction,
        "bagging_freq": bagging_freq,
        "max_bin": max_bin,
    }
    return boosted(
        lambda: gather(flux.train.with_labels(labels.train[:, 0])),
        lambda: gather(flux.val.with_labels(labels.val[:, 0])),
        params, n_trees=n_trees, patience=patience, seed=seed, threads=threads,
    )  # fmt: skip


def boosted(train, val, params, *, n_trees, patience, seed, threads):
    """``Trees`` on ``train()``, stopped by ``val()``: X (n, D) float32 and log_g (n,), which are not kept."""
    params = params | {
        "objective": "regression",
        "metric": "rmse",
        "bin_construct_sample_cnt": SAMPLE,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }
    X, log_g = train()
    train_set = lgb.Dataset(X, log_g, params=params, free_raw_data=True).construct()
    del X
    X, log_g = val()
    val_set = lgb.Dataset(X, log_g, reference=train_set, params=params, free_raw_data=True).construct()
    del X
    stop = lgb.early_stopping(patience, verbose=False)
    booster = lgb.train(params, train_set, n_trees, valid_sets=[val_set], callbacks=[_progress(log_g.std()), stop])
    print(f"{booster.num_trees()} trees kept", flush=True)  # lgb.train drops the trees after the best one
    return Trees(booster, threads=threads, about={"trees": booster.num_trees()})


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
