"""How every figure looks: sizes for a paper, a colour-blind-safe palette (Okabe & Ito 2008), PNG and PDF."""

from contextlib import contextmanager

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.1  # inches
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "red": "#D55E00",
    "pink": "#CC79A7",
    "grey": "#7F7F7F",
}
#: of the models of a run in turn, but for the grey reference
TURN = ("blue", "orange", "green", "red", "sky", "pink", "black", "yellow")
MARKERS = ("o", "s", "D", "^")  # one for every round of the colours
RC = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
}


@contextmanager
def style():
    """The house style for the block."""
    with plt.rc_context(RC):
        yield


def looks(models, run):
    """``{model: {"color", "marker", "label"}}`` for the models of a run, always the same ones in all of its figures."""
    found = {}
    for k, model in enumerate(model for model in models if model != run["reference"]):
        turn, colour = divmod(k, len(TURN))
        found[model] = {"color": PALETTE[TURN[colour]], "marker": MARKERS[turn % len(MARKERS)]}
    found[run["reference"]] = {"color": PALETTE["grey"], "marker": MARKERS[0]}
    return {model: found[model] | {"label": about["label"]} for model, about in models.items()}


def compared(models, run):
    """Names of the models that ``differences`` of a run compares with its reference; all others where it names none."""
    named = [a for a, b in run["differences"] if b == run["reference"]]
    return [model for model in models if model in named or (not named and model != run["reference"])]


def nothing(why):
    """A figure that says why there is nothing in it."""
    fig, ax = plt.subplots(figsize=(ONE_COLUMN, 0.6))
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center")
    return fig


def panels(n, *, columns, height, width=TWO_COLUMNS, **options):
    """A figure and n axes, at most ``columns`` side by side, ``height`` inches each; no empty ones."""
    columns = min(n, columns)
    rows = -(-n // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(width, rows * height), squeeze=False, **options)
    for ax in axes.ravel()[n:]:
        ax.set_axis_off()
    return fig, axes.ravel()[:n]


def bars(rows, middle, low, high):
    """(2, n): distances from a value down and up to the ends of its interval."""
    return np.abs(np.stack([rows[middle] - rows[low], rows[high] - rows[middle]]))


def at(level, n_train):
    """A cell in words, for titles."""
    return f"noise level {level:g}, {n_train:,} training stars"


#: the labels in words, their units and looks, and what residuals are binned by
NAMES = {"log_g": "log g", "T_eff": "$T_{\\rm eff}$", "M_H": "[M/H]", "snr_measured": "S/N"}
UNITS = {"log_g": "dex", "T_eff": "K", "M_H": "dex"}
LABEL_COLOURS = {"log_g": PALETTE["blue"], "T_eff": PALETTE["red"], "M_H": PALETTE["green"]}


def of_catalogue(table, models, run):
    """Rows of the model that leads in a catalogue at the lowest noise level, and that in words."""
    rows = table[table["model"] == run["catalogue"]]
    level = rows["noise_level"].min()
    return rows[rows["noise_level"] == level], f"{models[run['catalogue']]['label']}, noise level {level:g}"


def save(figure, png, pdf):
    """Write a figure at 200 dpi to ``png``, as vectors to ``pdf``; the files have no time stamps."""
    figure.savefig(png, format="png", metadata={"Software": None})
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    plt.close(figure)
