"""LightGBM with 63 and with 255 histogram bins a pixel, on noisy spectra of the workflow, each in a fresh process.

    snakemake -c2 results/noisy/lte/noise_0.2/{train_0,train_1,val_0,test_0}.npy
    python -m benchmarks.lightgbm [--rows 8000] [--trees 100] [--threads 1]

Prints trees kept, seconds and CPU seconds of the fit, peak memory, and R² of the test stars.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from gravispec.evaluation.cells import scores
from gravispec.models.given import StoredStars, fit_inputs

VALIDATION = {"fit": 0.7, "stop": 0.1, "n_val": 5000}


def measure(max_bin, options):
    """One row: the fit with ``max_bin`` bins a pixel."""
    from gravispec.models import lightgbm

    stored = StoredStars({"flux": options.flux, "stars": options.stars})
    context = {"seed": 1, "threads": options.threads}
    how = {"n_train": options.rows, "validation": VALIDATION, "context": context}
    given = fit_inputs(("flux", "labels", "seed", "threads"), stored, **how)
    start, cpu = time.perf_counter(), time.process_time()
    model = lightgbm.fit(**given, n_trees=options.trees, max_bin=max_bin)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    test = (stored.stars["split"] == "test").to_numpy()
    predicted = np.concatenate([model.predict(**block)["log_g"] for block in stored.blocks(("flux",), test)])
    row = {"max_bin": max_bin, "trees": model.n_trees, "seconds": seconds, "cpu_s": cpu, "peak_GB": peak}
    return row | {"r2_test": scores(stored.stars.loc[test, "log_g"].to_numpy(), predicted)["r2"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shards = [f"results/noisy/lte/noise_0.2/{name}.npy" for name in ("train_0", "train_1", "val_0", "test_0")]
    parser.add_argument("--flux", nargs="+", default=shards)
    parser.add_argument("--stars", default="results/spectra/lte/stars.parquet")
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bins", type=int, nargs="+", default=[63, 255])
    options = parser.parse_args()
    rows = []
    for max_bin in options.bins:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows.append(pool.submit(measure, max_bin, options).result())
    print(pd.DataFrame(rows).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
