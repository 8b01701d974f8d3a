"""Ridge with K-fold cross-validation from spectra on disk: gravispec against scikit-learn, each in a fresh process.

    python -m benchmarks.ridge [--rows 9000] [--pixels 4096] [--folds 5] [--only gravispec]

Prints seconds (reading included), ratio to gravispec, peak memory, the chosen alpha, and the largest differences from
gravispec of the coefficients (relative to the largest) and of the cross-validation MSEs (relative).
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from gravispec.data.arrays import RowReader, blocks, row_writer

SEED = 0


def write_spectra(folder, n_rows, n_pixels):
    """Flux near 1 with 30 smooth line patterns and the pixel noise of S/N 40: flux.npy (n, P) float32, y.npy (n,)."""
    rng = np.random.default_rng(SEED)
    patterns = rng.normal(0, 0.02, (30, n_pixels))
    sigma = rng.uniform(0.015, 0.05, n_pixels)
    weights = rng.normal(size=(n_rows, 30))
    with row_writer(folder / "flux.npy", (n_rows, n_pixels)) as append:
        for lo, hi in blocks(0, n_rows):
            append(1 + weights[lo:hi] @ patterns + sigma * rng.normal(size=(hi - lo, n_pixels)))
    np.save(folder / "y.npy", 3 + weights[:, 0] + 0.3 * weights[:, 1] ** 2)


def fit_gravispec(folder, n_folds):
    from gravispec.models.ridge import ridge_cv

    flux, y = RowReader(folder / "flux.npy"), np.load(folder / "y.npy", allow_pickle=False)
    chunks = ((flux[lo:hi], y[lo:hi]) for lo, hi in blocks(0, len(y)))
    fit = ridge_cv(chunks, len(y), n_folds=n_folds, seed=SEED)
    return fit.alpha, fit.coef, fit.cv_mse


def fit_sklearn(folder, n_folds):
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold

    from gravispec.models.ridge import ALPHAS

    X, y = np.load(folder / "flux.npy", allow_pickle=False).astype(float), np.load(folder / "y.npy", allow_pickle=False)
    folds = KFold(n_folds, shuffle=True, random_state=SEED)
    ridge = Ridge(solver="cholesky")
    search = GridSearchCV(ridge, {"alpha": ALPHAS}, scoring="neg_mean_squared_error", cv=folds).fit(X, y)
    return search.best_params_["alpha"], search.best_estimator_.coef_, -search.cv_results_["mean_test_score"]


CONTENDERS = {"gravispec": fit_gravispec, "sklearn": fit_sklearn}


def measured(name, folder, n_folds):
    """Run one contender: seconds, peak resident GB, alpha, coef, cv_mse."""
    start = time.perf_counter()
    result = CONTENDERS[name](folder, n_folds)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, *result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=9000)
    parser.add_argument("--pixels", type=int, default=4096)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    args = parser.parse_args()
    print(f"n = {args.rows}, p = {args.pixels}, {args.folds} folds, 13 alphas, float64 sums of float32 spectra")
    print(f"{'':10} {'seconds':>8} {'ratio':>6} {'peak GB':>8} {'alpha':>9} {'|dcoef|':>9} {'|dMSE|':>9}", flush=True)
    first = None
    with tempfile.TemporaryDirectory() as folder:
        write_spectra(Path(folder), args.rows, args.pixels)
        for name in args.only:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                run = process.submit(measured, name, Path(folder), args.folds).result()
            first = first or run
            print(table_row(name, run, first), flush=True)


def table_row(name, run, first):
    seconds, peak, alpha, coef, cv_mse = run
    d_coef = np.abs(coef - first[3]).max() / np.abs(first[3]).max()
    d_mse = np.abs(cv_mse / first[4] - 1).max()
    return f"{name:10} {seconds:8.1f} {seconds / first[0]:6.2f} {peak:8.2f} {alpha:9.3g} {d_coef:9.1e} {d_mse:9.1e}"


if __name__ == "__main__":
    main()
