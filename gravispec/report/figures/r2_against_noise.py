"""R² of every model on all test stars against noise level, and RMSE over that of the limit, where a run has one.

Open symbols: published, on BOSZ spectra and other stars.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, largest
from gravispec.evaluation.published import published_r2
from gravispec.evaluation.summary import over_limit
from gravispec.plugins.models import limit_of, plugin
from gravispec.report.style import ONE_COLUMN, PALETTE, TWO_COLUMNS, bars, looks

ONLY = "levels"
LIMIT = {"color": PALETTE["black"], "marker": "", "ls": "--"}


def draw(predictions, samples, models, run, confidence):
    """A line a model, with intervals, at the largest number of training stars."""
    look, limit = looks(models, run), limit_of(models)
    if limit:
        look[limit] |= LIMIT
    measured = [
        (cell, samples_of(samples, cell)) for cell in cells(largest(predictions), models) if cell.stars == "all"
    ]
    table = _table(measured, models, limit, confidence)
    fig, axes = plt.subplots(1, 1 + bool(limit), figsize=(TWO_COLUMNS if limit else ONE_COLUMN, 2.8), squeeze=False)
    ax, *others = axes[0]
    for model, mine in table.groupby("model", sort=False):
        style = {"ls": "-", "ms": 3.5, "lw": 1, **look[model]}
        ax.errorbar(mine["level"], mine["r2"], bars(mine, "r2", "low", "high"), **style)
        ax.plot(mine["level"], mine["published"], "o", ms=6, mfc="none", mew=0.8, color=style["color"])
        for other in others:
            if mine["ratio"].notna().any():
                other.errorbar(mine["level"], mine["ratio"], bars(mine, "ratio", "ratio_low", "ratio_high"), **style)
    if table["published"].notna().any():
        ax.plot([], [], "o", ms=6, mfc="none", mew=0.8, color="0.4", label="published (BOSZ)")
    levels = np.sort(table["level"].unique())
    for one in axes[0]:
        if levels[0] > 0:
            one.set_xscale("log")
        one.set_xticks(levels, [f"{level:g}" for level in levels])
        one.minorticks_off()
        one.set_xlabel("noise level (1: nominal observation)")
    ax.set_ylabel("R² of log g")
    for other in others:
        other.set_ylabel("RMSE of log g / RMSE of the limit")
    cell = measured[-1][0]
    fig.suptitle(f"{cell.n_train:,} training stars, {len(cell.rows):,} test stars", fontsize=8)
    ax.legend(fontsize=6, loc="best")
    return fig


def _table(measured, models, limit, confidence):
    """A row a noise level and model."""
    rows = []
    for cell, resampled in measured:
        for model in cell.models:
            low, high = interval(resampled[model], confidence)
            row = {"model": model, "level": cell.noise_level, "r2": cell.r2(model), "low": low, "high": high}
            ratio = (np.nan,) * 3
            if limit in cell.models and "truth" not in plugin(models[model]["module"]).declares:
                ratio = over_limit(cell, model, limit, resampled, confidence)
            row |= dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True))
            rows.append(row | {"published": published_r2(models[model], cell)["published_bosz_r2"]})
    return pd.DataFrame(rows).astype({"published": float})
