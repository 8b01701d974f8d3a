"""Median and central 68 % of predicted - true of every label (rows) against labels and S/N (columns)."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.report.style import LABEL_COLOURS, NAMES, TWO_COLUMNS, UNITS, of_catalogue


def draw(residuals, models, run):
    """The model that leads in a catalogue, at the lowest noise level."""
    table, title = of_catalogue(residuals, models, run)
    fig, axes = plt.subplots(len(LABEL_COLOURS), 4, figsize=(TWO_COLUMNS, 4.6), sharex="col", sharey="row")
    for row, label in zip(axes, LABEL_COLOURS, strict=True):
        for ax, by in zip(row, NAMES, strict=True):
            bins = table[(table["label"] == label) & (table["by"] == by)]
            ax.axhline(0, color="0.3", lw=0.6)
            ax.fill_between(bins["median"], bins["p16"], bins["p84"], color=LABEL_COLOURS[label], alpha=0.2, lw=0)
            errors = np.abs(bins[["bias_ci_low", "bias_ci_high"]].to_numpy().T - bins["bias"].to_numpy())
            style = {"fmt": "o-", "ms": 3, "lw": 1, "elinewidth": 0.8, "color": LABEL_COLOURS[label]}
            ax.errorbar(bins["median"], bins["bias"], errors, **style)
        row[0].set_ylabel(f"Δ {NAMES[label]} ({UNITS[label]})")
    for ax, by in zip(axes[-1], NAMES, strict=True):
        ax.set_xlabel(NAMES[by] if by == "snr_measured" else f"true {NAMES[by]} ({UNITS[by]})")
    for ax, by in zip(axes[0], NAMES, strict=True):
        n = table[(table["label"] == "log_g") & (table["by"] == by)]["n_test"]
        span = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,}–{n.max():,}"
        ax.set_title(f"n = {span} a bin", fontsize=7)
    fig.suptitle(f"{title}. Δ = predicted − true: median with its interval; shaded: 16–84 % of the stars", fontsize=8)
    fig.align_ylabels(axes[:, 0])
    return fig
