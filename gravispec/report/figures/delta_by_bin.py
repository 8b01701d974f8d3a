"""ΔR² of models against the reference in every bin of T_eff and [M/H]; the metal-poor bins are shaded."""

import numpy as np

from gravispec.report.style import at, bars, compared, looks, nothing, panels

SPREAD = 0.72  # of a bin, that its models share


def draw(per_bin, models, run, metal_poor):
    """A panel a noise level; the models that ``differences`` compares with the reference."""
    look, delta = looks(models, run), f"delta_r2_vs_{run['reference']}"
    table = per_bin[per_bin["n_train"] == per_bin["n_train"].max()]
    table = table[table["model"].isin(compared(models, run)) & table[delta].notna()]
    if table.empty:
        return nothing("no bin in which models could be compared")
    levels = table["noise_level"].nunique()
    fig, axes = panels(levels, columns=1, height=2.8 if levels == 1 else 2.0, sharex=True)
    for ax, (level, rows) in zip(axes, table.groupby("noise_level"), strict=True):
        for k in metal_poor:
            ax.axvspan(k - 0.5, k + 0.5, color="0.92", lw=0, label="metal-poor" if k == metal_poor[0] else None)
        names = [model for model in models if model in set(rows["model"])]
        shifts = SPREAD * ((np.arange(len(names)) + 0.5) / len(names) - 0.5)
        for model, shift in zip(names, shifts, strict=True):
            mine = rows[rows["model"] == model]
            errors = bars(mine, delta, "ci_low", "ci_high")
            ax.errorbar(mine["bin"] + shift, mine[delta], errors, ls="", ms=4, lw=1, **look[model])
        ax.axhline(0, color="0.4", lw=0.6)
        ax.set_ylabel(f"ΔR² against {look[run['reference']]['label']}")
        ax.set_title(at(level, rows["n_train"].iloc[0]), fontsize=8, loc="left")
        ax.legend(ncols=4, loc="lower right", bbox_to_anchor=(1, 1), fontsize=7)
    bins = per_bin.drop_duplicates("bin")
    labels = bins["name"].str.replace(" ", "\n", n=1) + "\nn = " + bins["n_test"].map("{:,}".format)
    axes[-1].set_xticks(bins["bin"], labels, fontsize=7)
    axes[-1].set_xlim(-0.5, len(bins) - 0.5)
    return fig
