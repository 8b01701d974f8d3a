"""How every figure looks: sizes for a paper, a colour-blind-safe palette (Okabe & Ito 2008), PNG and PDF."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from gravispec.data.files import atomic

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
MODEL_COLOURS = {
    "global_ridge": PALETTE["grey"],
    "oracle": PALETTE["black"],
    "hard": PALETTE["sky"],
    "classify": PALETTE["orange"],
    "linear": PALETTE["green"],
    "mlp": PALETTE["blue"],
}
MODEL_NAMES = {
    "global_ridge": "global Ridge",
    "oracle": "oracle (true bin)",
    "hard": "hard",
    "classify": "classify",
    "linear": "linear",
    "mlp": "mlp",
}
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


def write_scores(ax, score):
    """R², RMSE and number of stars in the upper left corner of a panel; ``score`` as from ``metrics.scores``."""
    text = f"R² = {score['r2']:.3f}\nRMSE = {score['rmse']:.2f} dex\nn = {score['n_test']:,}"
    ax.text(0.03, 0.97, text, transform=ax.transAxes, va="top", fontsize=7)


def save(figures, png, pdf):
    """Write each of ``figures``, ``{name: figure}``, at 200 dpi to its path in ``png``, as vectors to that in ``pdf``.

    The files have no time stamps; a pair appears whole or not at all. Raises ``ValueError`` for a path of another name.
    """
    for (name, figure), png_path, pdf_path in zip(figures.items(), png, pdf, strict=True):
        if {Path(png_path).stem, Path(pdf_path).stem} != {name}:
            raise ValueError(f"figure {name} would be written to {png_path} and {pdf_path}")
        with atomic(png_path, pdf_path) as (png_part, pdf_part):
            figure.savefig(png_part, format="png", metadata={"Software": None})
            figure.savefig(pdf_part, format="pdf", metadata={"CreationDate": None})
        plt.close(figure)
