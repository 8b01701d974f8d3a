"""Figures of a tower run: learning curves, predicted against true log g."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.evaluation.metrics import scores
from gravispec.evaluation.tower_tables import seeds_of
from gravispec.report.style import PALETTE, TWO_COLUMNS, write_scores

MODE_COLOURS = {"in_sample": PALETTE["orange"], "cross_fit": PALETTE["blue"]}


def learning_curves(towers, curves):
    """Training (dashed) and validation loss against epoch, a panel a tower and noise level, a line a seed.

    ``towers``: dicts with ``tower``, ``noise_level``, ``mode``; ``curves``: tables with seed, epoch, train_l1, val_l1.
    """
    panels = list(dict.fromkeys((tower["tower"], tower["noise_level"]) for tower in towers))
    fig, axes = plt.subplots(1, len(panels), figsize=(TWO_COLUMNS, 2.5), squeeze=False)
    axes = dict(zip(panels, axes[0], strict=True))
    for tower, curve in zip(towers, curves, strict=True):
        ax, colour = axes[tower["tower"], tower["noise_level"]], MODE_COLOURS[tower["mode"]]
        for _, line in curve.groupby("seed"):
            ax.plot(line["epoch"], line["train_l1"], lw=0.6, ls="--", color=colour)
            ax.plot(line["epoch"], line["val_l1"], lw=0.8, color=colour)
            best = line.loc[line["val_l1"].idxmin()]
            ax.plot(best["epoch"], best["val_l1"], "o", ms=2.5, color=colour)
    for (name, level), ax in axes.items():
        ax.set_title(f"{name}, noise {level:g}", fontsize=8)
        ax.set_xlabel("epoch")
    next(iter(axes.values())).set_ylabel("mean |Δ log g| (dex)")
    handles = [plt.Line2D([], [], color=MODE_COLOURS[m], label=m) for m in dict.fromkeys(t["mode"] for t in towers)]
    handles += [plt.Line2D([], [], color="0.3", ls=ls, label=label) for ls, label in (("--", "train"), ("-", "val"))]
    handles.append(plt.Line2D([], [], color="0.3", marker="o", ms=2.5, ls="", label="state kept"))
    fig.legend(handles=handles, ncols=len(handles), loc="outside lower center", fontsize=7)
    return fig


def predicted_vs_true(towers, predictions):
    """Predicted against true log g of the test stars, first seed, a panel a tower that is the fullest of its level."""
    full = {}
    for tower, table in zip(towers, predictions, strict=True):
        key = tower["noise_level"], tower["mode"]
        if key not in full or len(tower["families"]) > len(full[key][0]["families"]):
            full[key] = tower, table
    fig, axes = plt.subplots(
        1, len(full), figsize=(TWO_COLUMNS, 0.6 + TWO_COLUMNS / len(full)), sharex=True, sharey=True, squeeze=False
    )
    for ax, (tower, table) in zip(axes[0], full.values(), strict=True):
        test = table[table["split"] == "test"]
        predicted = test[seeds_of(table)[0]]
        score = scores(test["log_g"], predicted)
        ax.scatter(test["log_g"], predicted, s=1.5, color=MODE_COLOURS[tower["mode"]], lw=0, alpha=0.5, rasterized=True)
        ends = np.array([test["log_g"].min(), test["log_g"].max()])
        ax.plot(ends, ends, color="0.3", lw=0.8)
        ax.set_title(f"{tower['tower']}, noise {tower['noise_level']:g},\n{tower['mode']}", fontsize=7)
        write_scores(ax, score)
        ax.set_xlabel("true log g (dex)")
    axes[0, 0].set_ylabel("predicted log g (dex)")
    return fig
