"""R² of every model in bins of S/N, one panel a noise level, with intervals and the number of stars below each bin."""

import numpy as np

from gravispec.report.style import bars, looks, panels

SPREAD = 0.05  # between the models of one bin, in bins, so that their intervals do not overlap


def draw(by_snr, models, run):
    """All test stars, at the largest number of training stars."""
    look = looks(models, run)
    table = by_snr[by_snr["n_train"] == by_snr["n_train"].max()]
    levels = np.sort(table["noise_level"].unique())
    fig, axes = panels(len(levels) + 1, columns=3, height=2.2)  # the last place is for the legend
    for ax, level in zip(axes, levels, strict=False):
        here = table[table["noise_level"] == level]
        bins = here.drop_duplicates("snr_low").sort_values("snr_low")
        names = [model for model in models if model in set(here["model"])]
        for k, model in enumerate(names):
            rows = here[here["model"] == model].sort_values("snr_low")
            x = np.arange(len(rows)) + SPREAD * (k - (len(names) - 1) / 2)
            ax.errorbar(x, rows["r2"], bars(rows, "r2", "r2_ci_low", "r2_ci_high"), ls="-", ms=3, lw=0.8, **look[model])
        ticks = [f"{b.snr_low:g}–{b.snr_high:g}\n{b.n_test:,}" for b in bins.itertuples()]
        ax.set_xticks(range(len(bins)), ticks, fontsize=6)
        ax.set_title(f"noise level {level:g}", fontsize=8)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("R² of log g")
    axes[-1].set_axis_off()
    found = {}
    for ax in axes[:-1]:
        found |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    axes[-1].legend(found.values(), found, fontsize=7, loc="center")
    fig.supxlabel("median S/N a pixel of the noisy spectrum; below it the number of test stars", fontsize=8)
    return fig
