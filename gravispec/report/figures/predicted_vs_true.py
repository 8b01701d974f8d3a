"""Predicted against true log g of the covered test stars, by the reference and by the catalogue's model."""

from itertools import product

import numpy as np

from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import PALETTE, TWO_COLUMNS, panels

# Okabe-Ito has eight colours; black, the ninth, is told apart by lightness
COLOURS = [PALETTE[c] for c in ("blue", "sky", "black", "green", "yellow", "grey", "red", "orange", "pink")]


def draw(predictions, models, run, bin_names):
    """Coloured by bin; the two models side by side, or one above the other at several noise levels."""
    names = list(dict.fromkeys([run["reference"], run["catalogue"]]))
    measured = [cell for cell in cells(largest(predictions), models) if cell.stars == "covered"]
    several = len(measured) > 1
    columns = len(measured) if several else len(names)
    height = 3.9 if columns < 3 else 0.7 + TWO_COLUMNS / columns
    fig, axes = panels(len(names) * len(measured), columns=columns, height=height, sharex=True, sharey=True)
    colours = np.array([COLOURS[k % len(COLOURS)] for k in range(len(bin_names))])
    for ax, (model, cell) in zip(axes, product(names, measured), strict=True):
        if model in cell.models:
            _panel(ax, cell, model, colours)
        ax.set_title(f"{models[model]['label']}\nnoise level {cell.noise_level:g}", fontsize=8 if columns < 3 else 7)
        ax.set_xlabel("true log g (dex)")
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("predicted log g (dex)")
    dots = [axes[0].plot([], [], "o", ms=4, color=colour)[0] for colour in colours]
    fig.legend(dots, bin_names, loc="outside lower center", ncols=5, fontsize=7, handletextpad=0.2)
    return fig


def _panel(ax, cell, model, colours):
    order = np.random.default_rng(0).permutation(len(cell.rows))  # so that no bin hides another
    stars = cell.rows.iloc[order]
    ax.scatter(stars["log_g"], stars[model], s=2, c=colours[stars["bin"]], lw=0, alpha=0.7, rasterized=True)
    ends = [stars["log_g"].min(), stars["log_g"].max()]
    ax.plot(ends, ends, color="0.3", lw=0.8)
    score = cell.scores(model)
    text = f"R² = {score['r2']:.3f}\nRMSE = {score['rmse']:.2f} dex\nn = {score['n_test']:,}"
    ax.margins(y=0.12)
    ax.text(0.03, 0.97, text, transform=ax.transAxes, va="top", fontsize=7 if ax.bbox.width > 400 else 6)
