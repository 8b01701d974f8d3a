"""R² of every model on all test stars against noise level; open symbols: published, on BOSZ spectra and other stars."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells, largest
from gravispec.evaluation.published import published_r2
from gravispec.report.style import ONE_COLUMN, bars, looks

ONLY = "levels"


def draw(predictions, samples, models, run, confidence):
    """A line a model, with intervals, at the largest number of training stars."""
    look, rows = looks(models, run), []
    for cell in cells(largest(predictions), models):
        if cell.stars == "all":
            resampled = samples_of(samples, cell)
            for model in cell.models:
                low, high = interval(resampled[model], confidence)
                row = {"model": model, "level": cell.noise_level, "r2": cell.r2(model), "low": low, "high": high}
                rows.append(row | {"published": published_r2(models[model], cell)["published_bosz_r2"]})
    table = pd.DataFrame(rows).astype({"published": float})
    fig, ax = plt.subplots(figsize=(ONE_COLUMN, 2.8))
    for model, mine in table.groupby("model", sort=False):
        ax.errorbar(mine["level"], mine["r2"], bars(mine, "r2", "low", "high"), ls="-", ms=3.5, lw=1, **look[model])
        ax.plot(mine["level"], mine["published"], "o", ms=6, mfc="none", mew=0.8, color=look[model]["color"])
    if table["published"].notna().any():
        ax.plot([], [], "o", ms=6, mfc="none", mew=0.8, color="0.4", label="published (BOSZ)")
    levels = np.sort(table["level"].unique())
    if levels[0] > 0:
        ax.set_xscale("log")
    ax.set_xticks(levels, [f"{level:g}" for level in levels])
    ax.minorticks_off()
    ax.set_xlabel("noise level (1: nominal observation)")
    ax.set_ylabel("R² of log g")
    ax.set_title(f"{cell.n_train:,} training stars, {len(cell.rows):,} test stars", fontsize=8)
    ax.legend(fontsize=6, loc="best")
    return fig
