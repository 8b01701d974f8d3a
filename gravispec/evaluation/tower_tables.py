"""The tables of a tower run: scores of every tower, what each family adds, verdicts.

A tower is trained with several seeds. Its R² is the mean over them, and so is that of every resample of test stars: the
intervals are of the stars; the scatter of the seeds stands beside them.
"""

import numpy as np
import pandas as pd

from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.metrics import r2_rows, scores

#: R² that the full tower is to reach at a noise level (method.md section 5)
TARGETS = {0.1: 0.90, 1.0: 0.50}
#: families that are to add to R²
HELPFUL = ("topk", "error")
KEYS = ("noise_level", "mode")


def seeds_of(predictions):
    """Columns of the predictions, one a seed."""
    return [column for column in predictions if column.startswith("seed_")]


def resampled_r2(predictions, *, resamples, seed):
    """R² on resamples of the test stars, DataFrame (resamples, 2): ``tower``, the mean over seeds, and ``ridge``."""
    test = predictions[predictions["split"] == "test"]
    columns = seeds_of(predictions)
    samples = r2_resamples(test["log_g"], test[[*columns, "ridge"]], resamples=resamples, seed=seed)
    return pd.DataFrame({"tower": samples[columns].mean(axis=1), "ridge": samples["ridge"]})


def score_row(predictions, columns, samples, *, confidence):
    """Scores of a model with a prediction a seed (``columns``): means, scatter over seeds, interval of the test R²."""
    row = {"n_seeds": len(columns)}
    for split, stars in predictions.groupby("split", sort=False):
        r2 = r2_rows(stars["log_g"].to_numpy(), stars[columns].to_numpy().T)
        row |= {f"n_{split}": len(stars), f"r2_{split}": r2.mean(), f"r2_{split}_std": _scatter(r2)}
    test = predictions[predictions["split"] == "test"]
    each = pd.DataFrame([scores(test["log_g"], test[column]) for column in columns])
    row["r2_ci_low"], row["r2_ci_high"] = interval(samples, confidence)
    for name in ("mae", "rmse"):
        row |= {name: each[name].mean(), f"{name}_std": _scatter(each[name])}
    return row


def _scatter(values):
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan


def tower_rows(tower, predictions, *, parameters, dim, resamples, seed, confidence):
    """Two rows of scores: of the tower (``tower``, ``families``, ``noise_level``, ``mode``) and of its Ridge."""
    samples = resampled_r2(predictions, resamples=resamples, seed=seed)
    names = {"model": tower["tower"], "features": "+".join(tower["families"])}
    keys = {key: tower[key] for key in KEYS}
    score = score_row(predictions, seeds_of(predictions), samples["tower"], confidence=confidence)
    ridge = score_row(predictions, ["ridge"], samples["ridge"], confidence=confidence)
    return [
        {**names, **keys, "dim": dim, "parameters": parameters, **score},
        {"model": "ridge", "features": "all pixels", **keys, **ridge},
    ]


def summary_table(rows, *, run):
    """Scores of all towers of a run; at every noise level and mode the Ridge first, then by number of features."""
    table = pd.DataFrame(rows).drop_duplicates(["model", *KEYS])
    table = table.sort_values([*KEYS, "dim"], na_position="first", kind="stable", ignore_index=True)
    table.insert(0, "run", run)
    return table


def steps(towers):
    """``(tower, smaller one, added families)`` of every tower; the smaller one is None where no set is contained in it.

    ``towers``: dicts with ``tower``, ``families``, ``noise_level``, ``mode``. The smaller one is the largest set of
    families, at the same noise level and mode, that is part of the tower's own.
    """
    found = []
    for tower in towers:
        families = set(tower["families"])
        parts = [t for t in towers if all(t[k] == tower[k] for k in KEYS) and set(t["families"]) < families]
        smaller = max(parts, key=lambda t: len(t["families"]), default=None)
        known = smaller["families"] if smaller else []
        found.append((tower, smaller, [family for family in tower["families"] if family not in known]))
    return found


def ablation_table(towers, predictions, *, run, resamples, seed, confidence):
    """What families add: paired ΔR² on the test stars, with its interval. ``predictions``: tables beside ``towers``."""
    samples = [resampled_r2(table, resamples=resamples, seed=seed) for table in predictions]
    rows = []
    for i, (tower, smaller, added) in enumerate(steps(towers)):
        j = towers.index(smaller) if smaller else i
        column = "tower" if smaller else "ridge"
        delta = samples[i]["tower"] - samples[j][column]
        low, high = interval(delta, confidence)
        by_seed = _test_r2(predictions[i], "tower") - _test_r2(predictions[j], column)
        rows.append(
            {
                "run": run,
                **{key: tower[key] for key in KEYS},
                "comparison": f"{tower['tower']} - {smaller['tower'] if smaller else 'ridge'}",
                "added": "+".join(added),
                "n_test": int((predictions[i]["split"] == "test").sum()),
                "delta_r2": by_seed.mean(),
                "delta_r2_std": _scatter(by_seed),
                "ci_low": low,
                "ci_high": high,
                "fraction_positive": (delta > 0).mean(),
                "resamples": resamples,
            }
        )
    return pd.DataFrame(rows)


def _test_r2(predictions, column):
    """R² on the test stars, one a seed; one alone for the Ridge."""
    test = predictions[predictions["split"] == "test"]
    columns = seeds_of(predictions) if column == "tower" else ["ridge"]
    return r2_rows(test["log_g"].to_numpy(), test[columns].to_numpy().T)


def verdicts_table(summary, ablation, towers):
    """The claims of the source experiment as measured in this run, pass or fail."""
    rows = []
    for level, target in TARGETS.items():
        at_level = [t for t in towers if t["noise_level"] == level]
        full = max(at_level, key=lambda t: len(t["families"]), default=None)
        chosen = summary[(summary["noise_level"] == level) & (summary["model"] == (full and full["tower"]))]
        for row in chosen.itertuples():
            claim = f"R² of {row.model} at noise level {level:g} is at least {target:.2f}"
            rows.append((claim, level, row.mode, row.r2_test, target, row.r2_test >= target, row.n_test))
    for row in ablation[ablation["added"].isin(HELPFUL)].itertuples():
        claim = f"{row.added} helps: lower limit of ΔR²({row.comparison}) is above 0"
        rows.append((claim, row.noise_level, row.mode, row.ci_low, 0.0, row.ci_low > 0, row.n_test))
    columns = ["statement", "noise_level", "mode", "measured", "threshold", "passed", "n_test"]
    return pd.DataFrame(rows, columns=columns)
