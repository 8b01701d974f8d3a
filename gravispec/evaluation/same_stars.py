"""Predictions of several models, each in a table of its own, for the same test stars."""

import numpy as np

from gravispec.errors import InputError

COLUMNS = ("star_id", "log_g", "snr", "predicted")  # of a table of predictions


def side_by_side(tables):
    """One table with star_id, log_g, snr and a column of predictions a model, from ``{model: table of COLUMNS}``.

    Rows are matched by star_id, in the order of the first table. Raises ``InputError`` where a model has other stars, a
    star twice, another true log_g, or a prediction that is not finite.
    """
    first, *_ = tables
    joined = None
    for model, table in tables.items():
        missing = [name for name in COLUMNS if name not in table]
        if missing:
            raise InputError(f"predictions of {model}: no column {missing[0]!r}; expected {', '.join(COLUMNS)}")
        rows = table.set_index("star_id")
        if not rows.index.is_unique:
            star = rows.index[rows.index.duplicated()][0]
            raise InputError(f"predictions of {model}: {star} comes twice; keep one row a star")
        if joined is None:
            joined = rows[["log_g", "snr"]].copy()
        if len(rows) != len(joined) or not joined.index.isin(rows.index).all():
            raise InputError(f"models {first} and {model} have different test stars; predict the same ones")
        rows = rows.loc[joined.index]
        if not np.array_equal(rows["log_g"], joined["log_g"]):
            raise InputError(f"models {first} and {model} have different true log_g; use one data set for both")
        if not np.isfinite(rows["predicted"]).all():
            star = rows.index[~np.isfinite(rows["predicted"])][0]
            raise InputError(f"predictions of {model}: {star} is not finite; fit the model again")
        joined[model] = rows["predicted"]
    return joined.reset_index()


def models(joined):
    """Names of the columns of predictions of a table made by ``side_by_side``."""
    return [name for name in joined if name not in COLUMNS]
