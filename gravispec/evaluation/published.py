"""What the source experiments published on BOSZ-based spectra of their own: for comparison in tables, never ours."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

#: columns of our tables, and the column of the published table each comes from
PUBLISHED_COLUMNS = {
    "published_bosz_r2": "value",
    "published_bosz_model": "model",
    "published_bosz_n_train": "n_train",
    "published_bosz_n_test": "n_test",
}


@cache
def published_results():
    """Table with columns experiment, model, noise_level, n_train, n_test, metric, value, module, option.

    The last two say which of our models a score on all test stars is of, and are empty where none is.
    """
    path = Path(__file__).with_name("published_results.csv")
    return pd.read_csv(path, comment="#", keep_default_na=False)


def published_r2(about, cell):
    """``{column: value}`` of ``PUBLISHED_COLUMNS`` for a model of the configuration on all stars of a cell.

    None where nothing was published; where several training sizes were, the one nearest to that of the cell.
    """
    table = published_results()
    options = {f"{name}={_text(value)}" for name, value in about.items()} | {""}
    rows = table[
        (table["module"] == about["module"])
        & table["option"].isin(options)
        & np.isclose(table["noise_level"], cell.noise_level)
    ]
    if rows.empty or cell.stars != "all":
        return dict.fromkeys(PUBLISHED_COLUMNS)
    nearest = rows.loc[(rows["n_train"] - cell.n_train).abs().idxmin()]
    return {ours: nearest[theirs] for ours, theirs in PUBLISHED_COLUMNS.items()}


def _text(value):
    """An option as in the table: 200, mlp, pca+ridge."""
    if isinstance(value, list | tuple):
        return "+".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
