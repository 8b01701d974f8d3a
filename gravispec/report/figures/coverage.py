"""Measured coverage of the 95 and 68 % intervals in every group of test stars, and the band where it should lie."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.report.style import LABEL_COLOURS, NAMES, TWO_COLUMNS, of_catalogue

MARKERS = {"log_g": "o", "T_eff": "s", "M_H": "D"}
GROUPS = ("all", "snr_measured", "log_g", "T_eff", "M_H")


def draw(coverage, models, run):
    """The model that leads in a catalogue, at the lowest noise level; a panel a confidence."""
    table, title = of_catalogue(coverage, models, run)
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
            for shift, label in zip((-0.22, 0, 0.22), LABEL_COLOURS, strict=True):
                one = group[group["label"] == label]
                x = one["bin"].map(at) + shift
                face = [LABEL_COLOURS[label] if promised else "white" for promised in one["promised"]]
                ax.scatter(x, one["coverage"], 14, face, marker=MARKERS[label], edgecolors=LABEL_COLOURS[label], lw=0.8)
            left = places[by][-1] + 1.6
        ax.set_ylabel(f"coverage of {confidence * 100:.0f} %")
        ax.tick_params(axis="x", length=0)
        ax.margins(x=0.01, y=0.08)
    _coverage_axis(axes[-1], table, places)
    for label in LABEL_COLOURS:
        axes[0].scatter([], [], 14, LABEL_COLOURS[label], marker=MARKERS[label], label=NAMES[label])
    axes[0].bar([np.nan], [np.nan], color="0.8", label="99 % band, promised")
    axes[0].bar([np.nan], [np.nan], color="0.92", label="not promised")
    axes[0].legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=7)
    fig.suptitle(title, fontsize=8)
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
