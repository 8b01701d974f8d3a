"""Loss of the stars that are fitted (dashed) and of those that stop the training, against epoch, a line a seed."""

import matplotlib.pyplot as plt

from gravispec.report.style import looks, nothing, panels

ONLY = "curve"


def draw(curves, models, run):
    """A panel a model and noise level, at the largest number of training stars; the dot is the state that was kept."""
    look = looks(models, run)
    table = curves[curves["n_train"] == curves["n_train"].max()]
    keys = [(m, level) for m in models for level in sorted(table.loc[table["model"] == m, "noise_level"].unique())]
    if not keys:
        return nothing("no model was trained in epochs")
    levels = table["noise_level"].nunique()
    fig, axes = panels(len(keys), columns=levels if 1 < levels < 6 else 4, height=2.1)
    for ax, (model, level) in zip(axes, keys, strict=True):
        rows, colour = table[(table["model"] == model) & (table["noise_level"] == level)], look[model]["color"]
        for _, line in rows.groupby("seed", dropna=False):
            ax.plot(line["epoch"], line["fit"], lw=0.6, ls="--", color=colour)
            ax.plot(line["epoch"], line["stop"], lw=0.8, color=colour)
            best = line.loc[line["stop"].idxmin()]
            ax.plot(best["epoch"], best["stop"], "o", ms=2.5, color=colour)
        ax.set_title(f"{look[model]['label']}, noise {level:g}", fontsize=7)
        ax.set_xlabel("epoch")
        ax.set_ylabel(rows["loss"].iloc[0], fontsize=6)
    handles = [plt.Line2D([], [], color="0.3", ls=ls, label=name) for ls, name in (("--", "fitted"), ("-", "stopping"))]
    handles.append(plt.Line2D([], [], color="0.3", marker="o", ms=2.5, ls="", label="state kept"))
    fig.legend(handles=handles, ncols=3, loc="outside lower center", fontsize=7)
    return fig
