"""The summary of a run: a row a model and cell, the covered test stars first, then all."""

import numpy as np
import pandas as pd

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, seeds_of
from gravispec.evaluation.differences import difference
from gravispec.evaluation.published import published_r2
from gravispec.plugins.models import limit_of, plugin

COUNTS = ("parameters", "published_bosz_n_train", "published_bosz_n_test")


def summary(predictions, models, run, *, samples, about, confidence):
    """R² and RMSE (dex) with their intervals, MAE (dex), ΔR² to the reference, ρ, scatter over seeds, what fits said.

    samples : of ``bootstrap.resampled``
    about : ``{(noise level, n_train, model): what its fit said of itself}``, of which ``parameters`` and ``r2_train``
        are shown

    ``rmse_over_limit``, with its paired interval, where a model of the run declares to be the limit.

    ``model`` is the name of the row, which the configuration gives for covered and for all stars. ΔR² and ρ are empty
    where their models do not predict these stars; the columns ``published_bosz_*`` are of other spectra and other test
    stars, empty where nothing was published.
    """
    measured = [
        (cell, *(samples_of(samples, cell, of) for of in ("r2", "rmse"))) for cell in cells(predictions, models)
    ]
    found = [
        {"run": run["name"], **_row(cell, model, resampled, rmse, models, run, confidence)}
        | _over_limit(cell, model, resampled, models, confidence)
        | _fit(about.get((cell.noise_level, cell.n_train, model), {}))
        | published_r2(models[model], cell)
        for cell, resampled, rmse in measured
        for model in cell.models
    ]
    numbers = dict.fromkeys(COUNTS, "Int64") | {"published_bosz_r2": float, "r2_train": float}
    return pd.DataFrame(found).astype(numbers)


def _row(cell, model, resampled, rmse, models, run, confidence):
    score, reference = cell.scores(model), run["reference"]
    low, high = interval(resampled[model], confidence)
    rmse_low, rmse_high = interval(rmse[model], confidence)
    delta = {"delta_r2": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    if model != reference and reference in cell.models:
        delta = difference(cell, resampled, model, reference, confidence=confidence)
    share = np.nan
    if run["rho"] and set(run["rho"]) <= set(cell.models):
        share = rho(score["r2"], *map(cell.r2, run["rho"]))
    seeds = [cell.r2(column) for column in seeds_of(cell.rows, model)]
    return {
        "model": models[model][cell.stars],
        "stars": cell.stars,
        "noise_level": cell.noise_level,
        "n_train": cell.n_train,
        "n_test": score["n_test"],
        "coverage": cell.coverage,
        "r2": score["r2"],
        "r2_ci_low": low,
        "r2_ci_high": high,
        "mae": score["mae"],
        "rmse": score["rmse"],
        "rmse_ci_low": rmse_low,
        "rmse_ci_high": rmse_high,
        f"delta_r2_vs_{reference}": delta["delta_r2"],
        "delta_ci_low": delta["ci_low"],
        "delta_ci_high": delta["ci_high"],
        "rho": share,
        "n_seeds": len(seeds),
        "r2_seed_mean": np.mean(seeds),
        "r2_seed_std": np.std(seeds, ddof=1) if len(seeds) > 1 else np.nan,
    }


def rho(r2, r2_from, r2_to):
    """Share of the gain from one model to another that a third reaches, of the global Ridge and the oracle in method.md
    section 6; it may exceed 1. NaN where nothing is gained, as in runs with few stars a bin.
    """
    gain = r2_to - r2_from
    return (r2 - r2_from) / gain if gain > 0 else np.nan


def _over_limit(cell, model, resampled, models, confidence):
    """RMSE over that of the limit on the same stars; empty for covered stars and for models that read true labels."""
    limit, found = limit_of(models), dict.fromkeys(("rmse_over_limit", "limit_ci_low", "limit_ci_high"), np.nan)
    if limit is None:
        return {}
    if cell.stars == "all" and limit in cell.models and "truth" not in plugin(models[model]["module"]).declares:
        found = dict(zip(found, over_limit(cell, model, limit, resampled, confidence), strict=True))
    return found


def over_limit(cell, model, limit, resampled, confidence):
    """RMSE of a model over that of the limit, and its paired interval ``(low, high)``."""
    ratio = cell.scores(model)["rmse"] / cell.scores(limit)["rmse"]
    # both have the same stars in a resample, and so the same scatter of true log g
    return ratio, *interval(np.sqrt((1 - resampled[model]) / (1 - resampled[limit])), confidence)


def _fit(about):
    return {"parameters": about.get("parameters"), "r2_train": about.get("r2_train")}
