"""The test stars of a run, cell by cell: all models at one noise level and one number of training stars.

The table of predictions has a row a star and cell, cells one after the other, and a column of log g a model, which is
NaN where the model is not in the cell. ``models`` are the entries of the configuration, in the order of the run.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from gravispec.errors import InputError
from gravispec.labels import LABELS

MIN_STARS = 10  # of a group; below it an R² says nothing


class Cell(NamedTuple):
    """Test stars of a cell and the models that predict all of them; ``stars``: ``covered`` by the bins, or ``all``."""

    noise_level: float
    n_train: int
    stars: str
    rows: pd.DataFrame
    models: list
    coverage: float  # share of the test stars

    @property
    def key(self):
        """What tells this cell from others, the first columns of its rows in tables."""
        return {"noise_level": self.noise_level, "n_train": self.n_train, "stars": self.stars}

    @property
    def values(self):
        """log g (n, models), dex."""
        return self.rows[self.models]

    def scores(self, model):
        """``scores`` of a model."""
        return scores(self.rows["log_g"], self.rows[model])

    def r2(self, column):
        """R² of a model, or of another column of log g."""
        return r2_rows(self.rows["log_g"].to_numpy(), self.rows[column].to_numpy())


def cells(predictions, models):
    """Cells in the order of the table, each twice: the covered stars, then all.

    Raises ``InputError`` where fewer than ``MIN_STARS`` are covered, or a model predicts only some of the stars.
    """
    found = []
    for (level, n_train), rows in predictions.groupby(["noise_level", "n_train"]):
        test = rows[rows["split"] == "test"]
        where = f"noise level {level:g}, n_train {n_train}"
        covered, beyond = test[~test["uncovered"]], test[test["uncovered"]]
        if len(covered) < MIN_STARS:
            raise InputError(
                f"{where}: {len(covered)} covered test stars; {MIN_STARS} at least are needed for a bootstrap"
            )
        known = [model for model in models if model in test and _predicted(covered[model], model, where)]
        everywhere = [model for model in known if beyond.empty or _predicted(beyond[model], model, where)]
        found.append(Cell(level, n_train, "covered", covered, known, len(covered) / len(test)))
        found.append(Cell(level, n_train, "all", test, everywhere, 1.0))
    return found


def scores(log_g, predicted):
    """``{"n_test", "r2", "mae", "rmse"}`` of predictions (N,); mae and rmse in dex."""
    return {
        "n_test": len(log_g),
        "r2": r2_score(log_g, predicted),
        "mae": mean_absolute_error(log_g, predicted),
        "rmse": root_mean_squared_error(log_g, predicted),
    }


def r2_rows(log_g, predictions):
    """R² along the last axis: log_g (..., N), predictions (M, ..., N); returns (M, ...)."""
    total = np.sum((log_g - log_g.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    return 1.0 - np.sum((predictions - log_g) ** 2, axis=-1) / total


def _predicted(column, model, where):
    """Whether a model predicts these stars."""
    finite = np.isfinite(column)
    if finite.any() and not finite.all():
        raise InputError(
            f"{where}: {model} predicts {finite.sum()} of {len(finite)} test stars; make its predictions again"
        )
    return finite.all()


def largest(predictions):
    """The rows with the largest number of training stars."""
    return predictions[predictions["n_train"] == predictions["n_train"].max()]


def labels_of(table, model):
    """Labels (N, T) that a model predicts: log_g (dex), T_eff (K), M_H (dex)."""
    return table[[model, *(f"{label}_{model}" for label in LABELS[1:])]].to_numpy(float)


def sigma_of(table, model):
    """Standard deviations (N, T) that a model gives for its labels; 1 for a model that gives none."""
    columns = [f"sigma_{label}_{model}" for label in LABELS]
    return table[columns].to_numpy(float) if columns[0] in table else np.ones((len(table), len(LABELS)))


def seeds_of(rows, model):
    """Names of the columns of log g by the same model from several seeds; its own where there is one seed."""
    columns = rows.filter(regex=rf"^seed_{model}_\d+$").dropna(axis=1, how="all").columns
    return list(columns) or [model]


def usable(rows, model):
    """The rows with predicted labels; none where the model is not in the table."""
    if model not in rows:
        return rows[:0]
    return rows[np.isfinite(labels_of(rows, model)).all(axis=1)]


def quantile_edges(values, n_bins):
    """Edges (n_bins + 1,) from the smallest to the largest of ``values``, with as many stars in every bin."""
    return np.quantile(values, np.linspace(0, 1, n_bins + 1))


def grouped(table, edges):
    """Yield ``(about, rows)``: first all rows of ``table``, then those of every bin of every column.

    ``edges``: ``{column: (B + 1,) array}``; bins are half-open, and what lies beyond the outer edges belongs to the
    first and the last. ``about`` has the keys by, bin, low and high: the limits of the bin, at both ends those of its
    stars. Bins without a star are left out.
    """
    yield {"by": "all", "bin": 0, "low": np.nan, "high": np.nan}, table
    for column, limits in edges.items():
        values = table[column].to_numpy()
        of_star = np.searchsorted(limits[1:-1], values, side="right")
        limits = [values.min(), *limits[1:-1], values.max()]
        for b in np.unique(of_star):
            yield {"by": column, "bin": b, "low": limits[b], "high": limits[b + 1]}, table[of_star == b]
