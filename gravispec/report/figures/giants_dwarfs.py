"""Predicted log g of true giants and dwarfs, and how many are taken for each other, a row a noise level."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.evaluation.cells import largest
from gravispec.evaluation.residuals import GIANT
from gravispec.report.style import PALETTE, TWO_COLUMNS


def draw(predictions, giants_dwarfs, models, run):
    """The model that leads in a catalogue, at the largest number of training stars."""
    model = run["catalogue"]
    table = giants_dwarfs[giants_dwarfs["model"] == model]
    levels = table["noise_level"].unique()
    shape = {
        "figsize": (TWO_COLUMNS, (2.7 if len(levels) == 1 else 2.2) * len(levels)),
        "width_ratios": (1.5, 1),
        "squeeze": False,
    }
    fig, axes = plt.subplots(len(levels), 2, **shape)
    for (left, right), level in zip(axes, levels, strict=True):
        rows = largest(predictions[predictions["noise_level"] == level])
        _distributions(left, rows[(rows["split"] == "test") & rows[model].notna()], model)
        _counts(right, table[table["noise_level"] == level])
        left.set_title(f"{models[model]['label']}, noise level {level:g}", fontsize=8, loc="left", pad=18)
    axes[-1, 0].set_xlabel("predicted log g (dex)")
    axes[-1, 1].set_xlabel("predicted")
    return fig


def _distributions(ax, test, model):
    edges = np.linspace(*np.quantile(test[model], [0.001, 0.999]), 40)
    giant = test["log_g"] < GIANT
    for name, stars, colour in (("giants", test[giant], PALETTE["red"]), ("dwarfs", test[~giant], PALETTE["blue"])):
        label = f"true {name}, n = {len(stars):,}"
        ax.hist(stars[model], edges, color=colour, alpha=0.5, lw=0, label=label)
    ax.axvline(GIANT, color="0.3", lw=0.8, ls="--")
    ax.set_ylabel("test stars")
    ax.legend(fontsize=7, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)


def _counts(ax, table):
    counts = table[["predicted_giant", "predicted_dwarf"]].to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for i, row in enumerate(table.itertuples()):
        for j, (n, share) in enumerate(zip(counts[i], shares[i], strict=True)):
            colour = "white" if share > 0.5 else "black"
            ax.text(j, i, f"{n:,}\n{share * 100:.1f} %", ha="center", va="center", color=colour)
        text = f"completeness {row.completeness * 100:.1f} %\ncontamination {row.contamination * 100:.1f} %"
        ax.text(1.6, i, text, va="center", fontsize=7)
    ax.set_xticks([0, 1], ["giant", "dwarf"])
    ax.set_yticks([0, 1], ["giant", "dwarf"])
    ax.set_ylabel("true")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
