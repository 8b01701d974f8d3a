"""Models of several runs side by side on the same test stars, with paired intervals."""

from itertools import groupby

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.cells import scores


def comparison(stars, entries, predicted, *, seed, resamples, confidence):
    """A row an entry for the covered test stars and, where all predict them, one for all test stars.

    stars : star_id, true log_g and ``uncovered`` of the test stars
    entries : dictionaries with run, model, noise_level and n_train, levels one after the other
    predicted : beside ``entries``, tables of star_id and predicted log_g that have these stars in this order

    R² with its interval, MAE, RMSE (dex); ΔR² to the first run, of the same model where every run has the same ones, of
    the first entry elsewhere; ``passed``: the lower limit of ΔR² is above 0. Raises ``InputError`` where a table has
    other stars, or nothing is left to compare.
    """
    sides = []
    for entry, table in zip(entries, predicted, strict=True):
        mine = table[table["star_id"].isin(stars["star_id"])]
        if mine["star_id"].tolist() != stars["star_id"].tolist():
            raise InputError(
                f"{entry['run']}, {entry['model']}: other test stars than those of the data set; "
                "compare runs of one data set"
            )
        sides.append((entry, mine["log_g"].to_numpy()))
    rows = [
        row
        for _, at_level in groupby(sides, lambda side: side[0]["noise_level"])
        for group in _groups(list(at_level))
        for which, keep in (("covered", ~stars["uncovered"].to_numpy()), ("all", np.ones(len(stars), bool)))
        if all(np.isfinite(values[keep]).all() for _, values in group)
        for row in _rows(stars["log_g"].to_numpy()[keep], group, which, keep, seed, resamples, confidence)
    ]
    if not rows:
        raise InputError("nothing to compare: these runs have no noise level, model and test stars in common")
    return pd.DataFrame(rows)


def _groups(sides):
    """Lists of sides that are compared, with the first of each."""
    models = {}
    for entry, _ in sides:
        models.setdefault(entry["run"], []).append(entry["model"])
    first, *others = models.values()
    if others and all(set(names) == set(first) for names in others):
        return [[side for side in sides if side[0]["model"] == model] for model in first]
    return [sides]


def _rows(log_g, group, which, keep, seed, resamples, confidence):
    values = pd.DataFrame({k: predicted[keep] for k, (_, predicted) in enumerate(group)})
    drawn = r2_resamples(log_g, values, resamples=resamples, seed=seed)
    r2, rows = [scores(log_g, values[k])["r2"] for k in values], []
    for k, (entry, _) in enumerate(group):
        low, high = interval(drawn[k], confidence)
        row = {name: entry[name] for name in ("model", "run")} | {"stars": which}
        row |= {name: entry[name] for name in ("noise_level", "n_train")} | scores(log_g, values[k])
        row |= {"r2_ci_low": low, "r2_ci_high": high}
        if k:
            low, high = interval(drawn[k] - drawn[0], confidence)
            row |= {f"delta_r2_vs_{group[0][0]['run']}": r2[k] - r2[0], "delta_ci_low": low, "delta_ci_high": high}
            row |= {"passed": low > 0}
        rows.append(row)
    return rows
