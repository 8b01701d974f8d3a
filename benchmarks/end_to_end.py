"""The mixture of experts from noisy spectra on disk to R²: the pipeline's own code against ``benchmarks.naive_moe``.

Same stars, bins, folds and penalties; 2 cores, for gravispec as two jobs of one thread, as Snakemake runs them; it also
fits T_eff and [M/H], 96 components and the linear gate.

Agreement: largest difference of R² of the global Ridge and the oracle, which have one right answer, and of mlp.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from benchmarks.measure import in_turn, set_threads
from benchmarks.naive_moe import ALPHAS, M_H, SEED, T_EFF, naive
from benchmarks.spectra import write_data_set

EDGES = {"T_eff": T_EFF, "M_H": M_H}
N_BINS = 9
CV = {"n_folds": 5, "seed": SEED}
GATE = {"hidden": 64, "learning_rate": 1e-3, "epochs": 100, "patience": 10, "batch": 64, "seed": SEED}


def measure(folder, *, quick):
    return compared(folder, 1500 if quick else 20_000, quick=quick)


def compared(folder, n_train, *, quick=False):
    data = folder / f"end_to_end_{n_train}"
    write_data_set(data, n_train, quick=quick)
    runs = in_turn({"gravispec": (pipeline, data), "naive_moe": (naive, data)}, threads=2, quick=quick)
    own, other = runs["gravispec"], runs["naive_moe"]
    ridges, mlp = (
        max(abs(own.result[name] - other.result[name]) for name in names)
        for names in (("global_ridge", "oracle"), ("mlp",))
    )
    rows = [
        {
            "what": name,
            "size": f"{n_train} training stars",
            "threads": 2,
            **run.costs(own),
            "agreement": f"R² {run.result['mlp']:.4f}",
        }
        for name, run in runs.items()
    ]
    rows[1]["agreement"] += f"; global Ridge, oracle to {ridges:.0e}, mlp to {mlp:.0e}"
    return rows


def pipeline(folder):
    """R² of every model on the covered test stars: ``{model: R²}``, from the functions that the rules call."""
    set_threads(1)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as jobs:
        fitting_all = jobs.submit(_fit_all, folder)
        fitting = [jobs.submit(_fit_expert, folder, k) for k in range(N_BINS)]
        global_ridge, pca = fitting_all.result()
        measuring = jobs.submit(_window, folder, pca)
        experts = [job.result() for job in fitting]
        predicting = jobs.submit(_predictions, folder, [global_ridge, *experts])
        return jobs.submit(_mixture, folder, measuring.result(), predicting.result()).result()


def _chunks(folder, keep=None):
    from gravispec.data.arrays import RowReader
    from gravispec.data.stars import TrainingChunks
    from gravispec.labels import LABELS
    from gravispec.models.bins import Bins

    stars = pd.read_parquet(folder / "stars.parquet")
    train = (stars["split"] == "train").to_numpy()
    if keep is not None:
        train = train & (Bins(**EDGES).of(stars["T_eff"], stars["M_H"]) == keep)
    return TrainingChunks(RowReader(folder / "flux.npy"), stars, train, LABELS)


def _fit_all(folder):
    from gravispec.models.moments import fold_moments, fold_of_row, pool
    from gravispec.models.pca import N_COMPONENTS, pca_from_moments
    from gravispec.models.ridge import cross_fit_from_moments

    chunks = _chunks(folder)
    folds = fold_moments(chunks, len(chunks), **CV)
    ridge, _ = cross_fit_from_moments(folds, fold_of_row(len(chunks), **CV), alphas=ALPHAS)
    return ridge, pca_from_moments(pool(folds), N_COMPONENTS)


def _fit_expert(folder, k):
    from gravispec.models.ridge import ridge_cv

    chunks = _chunks(folder, k)
    return ridge_cv(chunks, len(chunks), alphas=ALPHAS, **CV)


def _window(folder, pca):
    from gravispec.data.arrays import RowReader, blocks
    from gravispec.features.window import features

    flux, wave = RowReader(folder / "flux.npy"), np.load(folder / "wave.npy", allow_pickle=False)
    return np.concatenate([features(flux[lo:hi], wave, pca) for lo, hi in blocks(0, len(flux))])


def _predictions(folder, fits):
    """log g (N, 1 + bins) of the global Ridge and the experts; 0 for training stars."""
    from gravispec.data.arrays import RowReader, selected_rows

    stars = pd.read_parquet(folder / "stars.parquet", columns=["split"])
    coef = np.concatenate([fit.coef for fit in fits], axis=1)
    intercept = np.concatenate([fit.intercept for fit in fits])
    found = np.zeros((len(stars), coef.shape[1]))
    for rows, index in selected_rows(RowReader(folder / "flux.npy"), stars["split"] != "train"):
        found[index] = rows.astype(float) @ coef + intercept
    return found[:, :: coef.shape[1] // len(fits)]


def _mixture(folder, features, predictions):
    from gravispec.evaluation.cells import scores

    log_g, models = mixture(pd.read_parquet(folder / "stars.parquet"), features, predictions)
    return {name: scores(log_g, predicted)["r2"] for name, predicted in models.items()}


def mixture(stars, features, predictions, *, device="cpu"):
    """Of the covered test stars: true log g (n,), and that of every model, ``{model: (n,)}``.

    features (N, 13) and predictions (N, 1 + bins), the global Ridge first, of all N stars.
    """
    from gravispec.data.stars import part_of_stars
    from gravispec.models.bins import Bins, one_hot
    from gravispec.models.gates import fit_classify, fit_gate

    log_g, train = stars["log_g"].to_numpy(), (stars["split"] == "train").to_numpy()
    bins = Bins(**EDGES).of(stars["T_eff"], stars["M_H"])
    part = np.where(bins < 0, "uncovered", part_of_stars(stars, fit=0.7, stop=0.1))
    scaling = {"mean": features[train].mean(axis=0), "scale": np.maximum(features[train].std(axis=0), 1e-12)}
    experts = predictions[:, 1:]
    fit, stop = ((features[rows], experts[rows], log_g[rows]) for rows in (part == "fit", part == "stop"))
    gates = {kind: fit_gate(kind, fit, stop, **scaling, **GATE, device=device)[0] for kind in ("mlp", "linear")}
    gates["classify"] = fit_classify(fit[0], bins[part == "fit"], n_experts=N_BINS, seed=SEED, **scaling)
    test = part == "test"
    weights = {kind: gate.weights(features[test]) for kind, gate in gates.items()}
    weights |= {"hard": one_hot(weights["classify"].argmax(axis=1), N_BINS), "oracle": one_hot(bins[test], N_BINS)}
    models = {name: np.sum(experts[test] * w, axis=1) for name, w in weights.items()}
    models["global_ridge"] = predictions[test, 0]
    unsure = weights["mlp"].max(axis=1) < 0.5
    models["mlp_fallback"] = np.where(unsure, models["global_ridge"], models["mlp"])
    return log_g[test], models
