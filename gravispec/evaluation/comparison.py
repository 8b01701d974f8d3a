"""Runs side by side on the same test stars, with paired intervals."""

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.cells import cells, largest


def comparison(tables, models, *, seed, resamples, confidence):
    """A row a noise level, set of stars, model and entry: R² with its interval, MAE, RMSE, and ΔR² to the first entry.

    tables : ``{entry: predictions of its run}``; an entry is ``run``, for every model that all of them have, or
        ``run:model``. Of each run the largest number of training stars counts, and the noise levels that all have.
    models : all of the configuration

    ``passed``: the lower limit of ΔR² is above 0. Raises ``InputError`` where test stars differ, or nothing is common.
    """
    first, rows = next(iter(tables)), []
    levels = set.intersection(*(set(table["noise_level"]) for table in tables.values()))
    for level in sorted(levels):
        at_level = {
            entry: cells(largest(table[table["noise_level"] == level]), models) for entry, table in tables.items()
        }
        for group in zip(*at_level.values(), strict=True):
            group = dict(zip(tables, group, strict=True))
            for columns in _columns(group):
                rows += _rows(group, columns, f"delta_r2_vs_{first.partition(':')[0]}", seed, resamples, confidence)
    if not rows:
        raise InputError(f"{', '.join(tables)}: no noise level, set of test stars and model in common; compare others")
    return pd.DataFrame(rows)


def _columns(group):
    """``{entry: model}`` of what is set side by side."""
    named = {entry: entry.partition(":")[2] for entry in group}
    if all(named.values()):
        return [named] if all(model in group[entry].models for entry, model in named.items()) else []
    common = [m for m in next(iter(group.values())).models if all(m in cell.models for cell in group.values())]
    return [dict.fromkeys(group, model) for model in common]


def _rows(group, columns, delta, seed, resamples, confidence):
    """Rows of one set of stars; ``group``: ``{entry: Cell}``."""
    first, *others = group
    stars = group[first].rows.set_index("star_id")
    for entry in others:
        theirs = group[entry].rows.set_index("star_id")
        if not (stars.index.equals(theirs.index) and np.array_equal(stars["log_g"], theirs["log_g"])):
            raise InputError(
                f"{first} and {entry} have different {group[first].stars} test stars; compare runs of one data set"
            )
    values = pd.DataFrame({entry: group[entry].rows[model].to_numpy() for entry, model in columns.items()})
    drawn = r2_resamples(stars["log_g"], values, resamples=resamples, seed=seed)
    rows, r2 = [], {entry: group[entry].scores(model)["r2"] for entry, model in columns.items()}
    for entry, model in columns.items():
        cell, (low, high) = group[entry], interval(drawn[entry], confidence)
        row = {"model": model, "run": entry.partition(":")[0], "stars": cell.stars, "noise_level": cell.noise_level}
        row |= {"n_train": cell.n_train, **cell.scores(model), "r2_ci_low": low, "r2_ci_high": high}
        if entry != first:
            low, high = interval(drawn[entry] - drawn[first], confidence)
            row |= {delta: r2[entry] - r2[first], "delta_ci_low": low, "delta_ci_high": high, "passed": low > 0}
        rows.append(row)
    return rows
