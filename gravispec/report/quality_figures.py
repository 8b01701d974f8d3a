"""Figures of the quality of predictions: coverage of intervals, residuals, giants taken for dwarfs."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.evaluation.residuals import GIANT
from gravispec.report.style import PALETTE, TWO_COLUMNS

NAMES = {"log_g": "log g", "T_eff": "$T_{\\rm eff}$", "M_H": "[M/H]", "snr_measured": "S/N"}
UNITS = {"log_g": "dex", "T_eff": "K", "M_H": "dex"}
COLOURS = {"log_g": PALETTE["blue"], "T_eff": PALETTE["red"], "M_H": PALETTE["green"]}
MARKERS = {"log_g": "o", "T_eff": "s", "M_H": "D"}
GROUPS = ("all", "snr_measured", "log_g", "T_eff", "M_H")


def coverage(table):
    """Measured coverage of the 95 and 68 % intervals in every group of test stars, and the band where it should lie."""
    nominal = sorted(table["nominal"].unique(), reverse=True)
    fig, axes = plt.subplots(len(nominal), 1, figsize=(TWO_COLUMNS, 3.6), sharex=True)
    for ax, confidence in zip(axes, nominal, strict=True):
        rows = table[table["nominal"] == confidence]
        ax.axhline(confidence, color="0.3", lw=0.8, ls="--")
        places, left = {}, 0.0
        for by in GROUPS:
            group = rows[rows["by"] == by]
            bins = group.drop_duplicates("bin")
            at = dict(zip(bins["bin"], left + np.arange(len(bins)), strict=True))
            places[by] = list(at.values())
            bands = bins["band_high"] - bins["band_low"]
            shade = "0.8" if bins["promised"].all() else "0.92"
            ax.bar(places[by], bands, width=0.8, bottom=bins["band_low"], color=shade, lw=0, zorder=0)
            for shift, label in zip((-0.22, 0, 0.22), COLOURS, strict=True):
                one = group[group["label"] == label]
                x = one["bin"].map(at) + shift
                face = [COLOURS[label] if promised else "white" for promised in one["promised"]]
                ax.scatter(x, one["coverage"], 14, face, MARKERS[label], edgecolors=COLOURS[label], lw=0.8)
            left = places[by][-1] + 1.6
        ax.set_ylabel(f"coverage of {confidence * 100:.0f} %")
        ax.tick_params(axis="x", length=0)
        ax.margins(x=0.01, y=0.08)
    _coverage_axis(axes[-1], table, places)
    for label in COLOURS:
        axes[0].scatter([], [], 14, COLOURS[label], MARKERS[label], label=NAMES[label])
    axes[0].bar([np.nan], [np.nan], color="0.8", label="99 % band, promised")
    axes[0].bar([np.nan], [np.nan], color="0.92", label="not promised")
    axes[0].legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=7)
    return fig


def _coverage_axis(ax, table, places):
    """Below the axis: limits between bins, numbers of stars, and what the bins are bins of."""
    below = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "top"}
    ticks, names = [], []
    for by, at in places.items():
        bins = table[table["by"] == by].drop_duplicates("bin")
        digits = 0 if by in ("T_eff", "snr_measured") else 1
        ticks += [x + 0.5 for x in at[:-1]]
        names += [f"{edge:.{digits}f}".replace("-", "−") for edge in bins["low"][1:]]
        for x, n in zip(at, bins["n_test"], strict=True):
            ax.text(x, -0.16, f"{n:,}", fontsize=6, **below)
        ax.text(np.mean(at), -0.28, NAMES.get(by, "all stars"), **below)
    ax.text(-0.01, -0.16, "n", transform=ax.transAxes, ha="right", va="top", fontsize=6)
    ax.set_xticks(ticks, names, fontsize=7)
    ax.tick_params(axis="x", length=3)


def residuals(table):
    """Median and central 68 % of predicted - true of every label (rows) against labels and S/N (columns)."""
    order = (*GROUPS[2:], GROUPS[1])
    fig, axes = plt.subplots(len(COLOURS), 4, figsize=(TWO_COLUMNS, 4.6), sharex="col", sharey="row")
    for row, label in zip(axes, COLOURS, strict=True):
        for ax, by in zip(row, order, strict=True):
            bins = table[(table["label"] == label) & (table["by"] == by)]
            ax.axhline(0, color="0.3", lw=0.6)
            ax.fill_between(bins["median"], bins["p16"], bins["p84"], color=COLOURS[label], alpha=0.2, lw=0)
            errors = np.abs(bins[["bias_ci_low", "bias_ci_high"]].to_numpy().T - bins["bias"].to_numpy())
            style = {"fmt": "o-", "ms": 3, "lw": 1, "elinewidth": 0.8, "color": COLOURS[label]}
            ax.errorbar(bins["median"], bins["bias"], errors, **style)
        row[0].set_ylabel(f"Δ {NAMES[label]} ({UNITS[label]})")
    for ax, by in zip(axes[-1], order, strict=True):
        ax.set_xlabel(NAMES[by] if by == "snr_measured" else f"true {NAMES[by]} ({UNITS[by]})")
    for ax, by in zip(axes[0], order, strict=True):
        n = table[(table["label"] == "log_g") & (table["by"] == by)]["n_test"]
        span = f"{n.min():,}" if n.min() == n.max() else f"{n.min():,}–{n.max():,}"
        ax.set_title(f"n = {span} a bin", fontsize=7)
    fig.suptitle("Δ = predicted − true: median with its bootstrap interval; shaded: 16–84 % of the stars", fontsize=8)
    fig.align_ylabels(axes[:, 0])
    return fig


def giants_dwarfs(predictions, table):
    """Predicted log g of true giants and dwarfs, and how many are taken for each other."""
    test = predictions[predictions["split"] == "test"]
    fig, (left, right) = plt.subplots(1, 2, figsize=(TWO_COLUMNS, 2.6), width_ratios=(1.5, 1))
    edges = np.linspace(*np.quantile(test["mlp"], [0.001, 0.999]), 40)
    giant = test["log_g"] < GIANT
    for name, stars, colour in (("giants", test[giant], PALETTE["red"]), ("dwarfs", test[~giant], PALETTE["blue"])):
        label = f"true {name}, n = {len(stars):,}"
        left.hist(stars["mlp"], edges, color=colour, alpha=0.5, lw=0, label=label)
    left.axvline(GIANT, color="0.3", lw=0.8, ls="--")
    left.set_xlabel("predicted log g (dex)")
    left.set_ylabel("test stars")
    left.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, 1.15), ncols=2)

    counts = table[["predicted_giant", "predicted_dwarf"]].to_numpy()
    right.imshow(counts / counts.sum(axis=1, keepdims=True), vmin=0, vmax=1, cmap="Blues")
    for i, row in enumerate(table.itertuples()):
        for j, n in enumerate(counts[i]):
            share = n / counts[i].sum()
            right.text(
                j, i, f"{n:,}\n{share * 100:.1f} %", ha="center", va="center", color="white" if share > 0.5 else "black"
            )
        text = f"completeness {row.completeness * 100:.1f} %\ncontamination {row.contamination * 100:.1f} %"
        right.text(1.6, i, text, va="center", fontsize=7)
    right.set_xticks([0, 1], ["giant", "dwarf"])
    right.set_yticks([0, 1], ["giant", "dwarf"])
    right.set_xlabel("predicted")
    right.set_ylabel("true")
    right.tick_params(length=0)
    for spine in right.spines.values():
        spine.set_visible(False)
    return fig
