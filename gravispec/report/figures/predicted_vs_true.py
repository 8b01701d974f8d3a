"""Predicted against true log g of the covered test stars, by the reference and by the catalogue's model."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.evaluation.cells import cells, largest
from gravispec.report.style import PALETTE, TWO_COLUMNS, write_scores

# Okabe-Ito has eight colours; black, the ninth, is told apart by lightness
COLOURS = [PALETTE[c] for c in ("blue", "sky", "black", "green", "yellow", "grey", "red", "orange", "pink")]


def draw(predictions, models, run, bin_names):
    """Coloured by bin; the two models side by side, or one above the other where there are several noise levels."""
    names = list(dict.fromkeys([run["reference"], run["catalogue"]]))
    measured = [cell for cell in cells(largest(predictions), models) if cell.stars == "covered"]
    shown = [(cell, model) for model in names for cell in measured]
    shape = (1, len(names)) if len(measured) == 1 else (len(names), len(measured))
    side = (TWO_COLUMNS - 1.1) / shape[1]
    fig, axes = plt.subplots(
        *shape, figsize=(TWO_COLUMNS, shape[0] * (side + 0.4)), sharex=True, sharey=True, squeeze=False
    )
    colours = np.array([COLOURS[k % len(COLOURS)] for k in range(len(bin_names))])
    for ax, (cell, model) in zip(axes.ravel(), shown, strict=True):
        if model not in cell.models:
            ax.set_axis_off()
            continue
        order = np.random.default_rng(0).permutation(len(cell.rows))  # so that no bin hides another
        stars = cell.rows.iloc[order]
        ax.scatter(stars["log_g"], stars[model], s=2, c=colours[stars["bin"]], lw=0, alpha=0.7, rasterized=True)
        ends = [stars["log_g"].min(), stars["log_g"].max()]
        ax.plot(ends, ends, color="0.3", lw=0.8)
        ax.set_title(f"{models[model]['label']}, noise level {cell.noise_level:g}", fontsize=8 if side > 2 else 6)
        write_scores(ax, cell.scores(model))
    for ax in axes[-1]:
        ax.set_xlabel("true log g (dex)")
    for ax in axes[:, 0]:
        ax.set_ylabel("predicted log g (dex)")
    handles = [
        plt.Line2D([], [], ls="", marker="o", ms=4, color=c, label=n) for c, n in zip(colours, bin_names, strict=True)
    ]
    fig.legend(handles=handles, loc="outside right center", fontsize=7, handletextpad=0.2)
    return fig
