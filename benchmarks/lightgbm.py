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

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.stars import TrainingChunks, training_mask, validation_mask
from gravispec.evaluation.metrics import scores
from gravispec.models.rows import predict_test_stars

SEED = 1
N_VAL = 5000


def measure(max_bin, options):
    """One row: the fit with ``max_bin`` bins a pixel."""
    from gravispec.models.baselines import lightgbm

    stars, flux = pd.read_parquet(options.stars), RowReader(options.flux)
    train = TrainingChunks(flux, stars, training_mask(stars, options.rows))
    val = TrainingChunks(flux, stars, validation_mask(stars, N_VAL))
    start, cpu = time.perf_counter(), time.process_time()
    model = lightgbm.fit(train, val, n_trees=options.trees, max_bin=max_bin, seed=SEED, threads=options.threads)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    test = predict_test_stars(model, flux, stars)
    row = {"max_bin": max_bin, "trees": model.n_trees, "seconds": seconds, "cpu_s": cpu, "peak_GB": peak}
    return row | {"r2_test": scores(test["log_g"], test["predicted"])["r2"]}


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
