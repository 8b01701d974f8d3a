"""Ranks of true labels under their posteriors, which are uniform where errors are known (Talts et al. 2018)."""

import numpy as np
from scipy import stats

from gravispec.evaluation.cells import labels_of, largest, usable
from gravispec.evaluation.posteriors import BAND
from gravispec.labels import LABELS
from gravispec.report.style import LABEL_COLOURS, NAMES, TWO_COLUMNS, nothing, panels

ONLY = "posterior"
BINS = 20


def draw(predictions, models):
    """A panel a noise level and model with a posterior, of all test stars; the band holds all bins in 99 %."""
    rows = largest(predictions).query("split == 'test'")
    cells = [
        (level, name, of_level)
        for level, of_level in rows.groupby("noise_level")
        for name in models
        if f"sigma_log_g_{name}" in of_level and of_level[name].notna().any()
    ]
    if not cells:
        return nothing("no model gives a posterior")
    columns = len({name for _, name, _ in cells})
    fig, axes = panels(len(cells), columns=columns, height=1.5, width=TWO_COLUMNS, sharex=True, sharey="row")
    for ax, (level, name, of_level) in zip(axes, cells, strict=True):
        _panel(ax, usable(of_level, name), name)
        ax.set_title(f"{models[name]['label']}, noise level {level:g}", fontsize=7)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("stars a bin / expected", fontsize=7)
    for ax in axes[-columns:]:
        ax.set_xlabel("rank of the true label")
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=len(LABELS), fontsize=7)
    return fig


def _panel(ax, stars, name):
    pulls = stars[list(LABELS)].to_numpy() - labels_of(stars, name)
    pulls /= stars[[f"sigma_{label}_{name}" for label in LABELS]].to_numpy()
    n, edges = len(stars), np.linspace(0, 1, BINS + 1)
    band = np.array(stats.binom.interval(BAND ** (1 / BINS), n, 1 / BINS)) * BINS / n
    ax.axhspan(*band, color="0.88", lw=0)
    for label, pull in zip(LABELS, pulls.T, strict=True):
        counts = np.histogram(stats.norm.cdf(pull), edges)[0] * BINS / n
        ax.stairs(counts, edges, baseline=None, color=LABEL_COLOURS[label], lw=1, label=NAMES[label])
    ax.set_ylim(0, max(1.6, *ax.get_ylim()))
    ax.text(0.03, 0.06, f"n = {n:,}", transform=ax.transAxes, fontsize=6)
