"""Figures of the noise sweep. Every function takes a table of ``evaluation.sweep`` and returns a ``Figure``."""

import matplotlib.pyplot as plt
import numpy as np

from gravispec.report.style import ONE_COLUMN, PALETTE, TWO_COLUMNS

MODELS = {  # name in a legend, colour
    "ridge": ("Ridge", PALETTE["grey"]),
    "lightgbm": ("LightGBM", PALETTE["orange"]),
    "global_tower": ("global tower", PALETTE["green"]),
    "moe_mlp": ("MoE, mlp gate", PALETTE["blue"]),
}
SPREAD = 0.05  # between the models of one bin, in bins, so that their intervals do not overlap


def r2_against_noise(summary):
    """R² against noise level, with intervals; open symbols: published, on BOSZ spectra and other stars."""
    fig, ax = plt.subplots(figsize=(ONE_COLUMN, 2.8))
    for model, rows in summary.groupby("model", sort=False):
        name, colour = _look(model)
        ax.errorbar(rows["noise_level"], rows["r2"], _errors(rows), fmt="o-", ms=3.5, lw=1, color=colour, label=name)
        ax.plot(rows["noise_level"], rows["published_bosz_r2"], "o", ms=6, mfc="none", mew=0.8, color=colour)
    if summary["published_bosz_r2"].notna().any():
        ax.plot([], [], "o", ms=6, mfc="none", mew=0.8, color="0.4", label="published (BOSZ)")
    levels = np.sort(summary["noise_level"].unique())
    ax.set_xscale("log")
    ax.set_xticks(levels, [f"{level:g}" for level in levels])
    ax.minorticks_off()
    ax.set_xlabel("noise level (1: nominal observation)")
    ax.set_ylabel("R² of log g")
    ax.set_title(_title(summary), fontsize=8)
    ax.legend(fontsize=7, loc="lower left")
    return fig


def r2_against_snr(by_snr):
    """R² in bins of S/N, one panel a noise level, with intervals and the number of stars below each bin."""
    levels = np.sort(by_snr["noise_level"].unique())
    columns = min(len(levels) + 1, 3)  # one place is left for the legend
    shape = (-(-(len(levels) + 1) // columns), columns)
    fig, axes = plt.subplots(*shape, figsize=(TWO_COLUMNS, 2.0 * shape[0]), squeeze=False)
    panels = axes.ravel()
    for ax, level in zip(panels, levels, strict=False):
        here = by_snr[by_snr["noise_level"] == level]
        bins = here.drop_duplicates("snr_low").sort_values("snr_low")
        models = here["model"].unique()
        for k, model in enumerate(models):
            rows = here[here["model"] == model].sort_values("snr_low")
            x = np.arange(len(rows)) + SPREAD * (k - (len(models) - 1) / 2)
            name, colour = _look(model)
            ax.errorbar(x, rows["r2"], _errors(rows), fmt="o-", ms=3, lw=0.8, color=colour, label=name)
        names = [f"{b.snr_low:g}–{b.snr_high:g}\n{b.n_test:,}" for b in bins.itertuples()]
        ax.set_xticks(range(len(bins)), names, fontsize=6)
        ax.set_title(f"noise level {level:g}", fontsize=8)
    for ax in axes[:, 0]:
        ax.set_ylabel("R² of log g")
    for ax in panels[len(levels) :]:
        ax.set_axis_off()
    panels[len(levels)].legend(*panels[0].get_legend_handles_labels(), fontsize=7, loc="center")
    fig.supxlabel("median S/N a pixel of the noisy spectrum; below it the number of test stars", fontsize=8)
    return fig


def _look(model):
    return MODELS.get(model, (model, PALETTE["black"]))


def _errors(rows):
    """(2, n): distances from R² down and up to the ends of its interval."""
    return np.stack([rows["r2"] - rows["r2_ci_low"], rows["r2_ci_high"] - rows["r2"]])


def _title(summary):
    (n_train,), (n_test,) = summary["n_train"].unique(), summary["n_test"].unique()
    return f"{n_train:,} training stars, {n_test:,} test stars"
