"""The noise sweep: several models at several noise levels, all on the same test stars.

``levels`` below is ``{noise_level: table}``, each table from ``same_stars.side_by_side``; ``samples`` is the R² of
every model on every resample of the stars, ``{noise_level: (resamples, models)}``.
"""

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import compare, interval, r2_resamples
from gravispec.evaluation.metrics import MIN_STARS, scores
from gravispec.evaluation.moe_baseline import moe_table
from gravispec.evaluation.published import published_r2
from gravispec.evaluation.same_stars import models, side_by_side

REFERENCES = ("ridge", "lightgbm")  # what every other model is compared with


def level_tables(moe, tower, baselines):
    """``{model: table of predictions}`` of the test stars at one noise level, from what the runs wrote.

    ``moe``: predictions of a mixture of experts, for ``ridge`` (its global Ridge) and ``moe_mlp``; ``tower``: those of
    towers, of which the first seed counts, one model as the others are; ``baselines``: ``{name: table}``.
    """
    test = moe[moe["split"] == "test"]
    first_seed = next(name for name in tower if name.startswith("seed_"))
    tower = tower[tower["split"] == "test"].rename(columns={first_seed: "predicted"})
    tower = tower[["star_id", "log_g", "predicted"]].merge(test[["star_id", "snr"]], on="star_id")
    return {"ridge": moe_table(test, "global_ridge"), **baselines, "global_tower": tower, "moe_mlp": moe_table(test)}


def stacked(levels):
    """One table with a column noise_level from ``levels`` or ``samples``."""
    return pd.concat([table.assign(noise_level=level) for level, table in levels.items()], ignore_index=True)


def by_level(table):
    """``levels`` or ``samples`` again, from what ``stacked`` made of them."""
    groups = table.groupby("noise_level")
    return {level: rows.drop(columns="noise_level").reset_index(drop=True) for level, rows in groups}


def sweep_levels(tables):
    """``levels`` from ``{(noise_level, model): table of predictions}``; the levels in rising order."""
    values = sorted({level for level, _ in tables})
    return {v: side_by_side({model: t for (level, model), t in tables.items() if level == v}) for v in values}


def sweep_resamples(levels, *, resamples, seed):
    """``samples``: the stars of a resample are the same for every model and level."""
    return {
        level: r2_resamples(table["log_g"], table[models(table)], resamples=resamples, seed=seed)
        for level, table in levels.items()
    }


def summary_table(levels, samples, *, n_train, confidence):
    """One row a noise level and model: R² with its interval, MAE, RMSE (dex), and what was published on BOSZ spectra.

    The columns ``published_bosz_*`` are of other spectra and other test stars, empty where nothing was published.
    """
    rows = []
    for level, table in levels.items():
        for model in models(table):
            score = scores(table["log_g"], table[model])
            low, high = interval(samples[level][model], confidence)
            rows.append(
                {
                    "noise_level": level,
                    "model": model,
                    "n_train": n_train,
                    "n_test": score["n_test"],
                    "r2": score["r2"],
                    "r2_ci_low": low,
                    "r2_ci_high": high,
                    "mae": score["mae"],
                    "rmse": score["rmse"],
                    **published_r2(model, level, n_train),
                }
            )
    counts = {"published_bosz_n_train": "Int64", "published_bosz_n_test": "Int64"}
    return pd.DataFrame(rows).astype({"published_bosz_r2": float, **counts})


def difference_table(levels, samples, *, confidence):
    """Paired ΔR² of the models against each of ``REFERENCES``, one row a noise level and pair."""
    parts = []
    for level, table in levels.items():
        names = models(table)
        pairs = [
            (model, reference)
            for k, reference in enumerate(REFERENCES)
            for model in names
            if reference in names and model not in REFERENCES[: k + 1]
        ]
        part = compare(samples[level], table["log_g"], table[names], pairs, confidence=confidence)
        parts.append(part.assign(noise_level=level))
    table = pd.concat(parts, ignore_index=True)
    return table[["noise_level", *table.columns.drop("noise_level")]]


def snr_table(levels, *, resamples, seed, confidence):
    """R² of every model in bins of S/N, each a factor of two wide: from 2ᵏ to 2ᵏ⁺¹.

    S/N is that of the noisy spectrum: the star's nominal median S/N a pixel over the noise level. R² is relative to the
    scatter of log_g within the bin, and empty below ``MIN_STARS`` stars. Raises ``InputError`` at noise level 0.
    """
    rows = []
    for level, table in levels.items():
        if level <= 0:
            raise InputError(f"noise level {level:g} has no S/N; leave it out of the sweep")
        exponent = np.floor(np.log2(table["snr"] / level)).astype(int)
        for k, stars in table.groupby(exponent):
            enough = len(stars) >= MIN_STARS
            if enough:
                # offset: seeds are not negative, exponents may be
                samples = r2_resamples(stars["log_g"], stars[models(stars)], resamples=resamples, seed=[seed, 100 + k])
            for model in models(stars):
                row = {"noise_level": level, "model": model, "snr_low": 2.0**k, "snr_high": 2.0 ** (k + 1)}
                row |= {"n_test": len(stars), "r2": np.nan, "r2_ci_low": np.nan, "r2_ci_high": np.nan}
                if enough:
                    row["r2"] = scores(stars["log_g"], stars[model])["r2"]
                    row["r2_ci_low"], row["r2_ci_high"] = interval(samples[model], confidence)
                rows.append(row)
    return pd.DataFrame(rows)
