"""What perturbed spectra do to log g: bias, scatter and coverage against the spectra as they are."""

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Span

from gravispec.report.page.parts import Column, Section, Table, cell, chosen, hover, plot, side_by_side, with_interval
from gravispec.report.style import PALETTE

MEASURES = {
    "bias_change": ("change of the bias (dex)", "bias_ci_low", "bias_ci_high"),
    "scatter_change": ("change of the scatter (dex)", "scatter_ci_low", "scatter_ci_high"),
    "coverage95_change": ("change of the 95 % coverage", "coverage95_ci_low", "coverage95_ci_high"),
}
COLUMNS = [
    Column("stress", "What is done to the test spectra before the noise is added.", number=False),
    Column("noise", "Noise level."),
    Column("Δ bias (dex)", "Change of the median of predicted − true log g, with its interval."),
    Column("Δ scatter (dex)", "Change of the robust scatter of log g, with its interval."),
    Column("R²", "R² of log g of the perturbed spectra."),
    Column("95 % coverage", "Share of true log g inside the 95 % intervals."),
    Column("flagged", "Share of the stars with a flag."),
]


def stress(table, models, run):
    """``(section, figures)`` from stress.csv; the table below is of the model that leads in a catalogue."""
    done = table[table["not_done"].isna()]
    rows = done[done["stress"] != "none"].assign(model=done["model"].map(lambda name: models[name]["label"]))
    menus = {
        "model": ("Model", models[run["catalogue"]]["label"]),
        "noise_level": ("Noise level", done.loc[done["model"] == run["catalogue"], "noise_level"].min()),
    }
    ends = [name for measure, (_, low, high) in MEASURES.items() for name in (measure, low, high)]
    rows, limits = _clipped(rows[["stress", "what", *menus, *ends, "r2", "flagged"]])
    source, view, selects = chosen(rows, menus)
    plots, names = [], list(dict.fromkeys(rows["stress"]))[::-1]
    for measure, (title, low, high) in MEASURES.items():
        x_range = (-1.1 * limits[measure], 1.1 * limits[measure])
        fig = plot(None, title, "", y_range=names, x_range=x_range, height=60 + 19 * len(names))
        fig.add_layout(Span(location=0, dimension="height", line_color="#4d4d4d"))
        fig.segment(low, "stress", high, "stress", source=source, view=view, line_width=2, color=PALETTE["sky"])
        points = fig.scatter(
            f"{measure}_seen",
            "stress",
            source=source,
            view=view,
            size=7,
            color=PALETTE["blue"],
            marker=f"{measure}_mark",
        )
        number = "{+0.000}"
        about = {"": "@what", title: f"@{measure}{number} (@{low}{number}, @{high}{number})"}
        hover(fig, [points], about | {"R²": "@r2{0.000}", "flagged": "@flagged{0%}"})
        plots.append(fig)
    grid = side_by_side(plots, len(plots))
    figures = {"stress": column(row(*selects, styles={"flex-wrap": "wrap"}), grid, sizing_mode="stretch_width")}
    text = (
        "Test spectra with errors of observation that the training spectra do not have, unless the data set has "
        "nuisances: what they change against the same spectra as they are. Bars are intervals; triangles lie beyond."
    )
    leading = done[done["model"] == run["catalogue"]]
    details = [Table("stress", f"Stress of {models[run['catalogue']]['label']}", COLUMNS, _rows(leading))]
    return Section("stress", "Stress", text, figures=["stress"], details=details), figures


def _clipped(rows):
    """Where marks are drawn, ``{measure}_seen``, and ``{measure}_mark``; and the limits beyond which they are clipped.

    A stress that ruins everything would hide all others: it is a triangle at the limit.
    """
    rows, limits = rows.copy(), {}
    for measure, (_, low, high) in MEASURES.items():
        largest = rows[[low, high]].abs().max(axis=1).groupby(rows["stress"]).max().sort_values()
        usual = largest[largest <= 4 * largest.median()] if largest.median() > 0 else largest
        limits[measure] = limit = float(usual.max()) or 1.0
        beyond = rows[measure].abs() > 1.1 * limit
        rows[f"{measure}_seen"] = rows[measure].clip(-1.05 * limit, 1.05 * limit)
        rows[f"{measure}_mark"] = np.where(beyond, "triangle", "circle")
    return rows, limits


def _rows(table):
    return [
        [
            cell(r["what"]),
            cell(r["noise_level"], "{:g}"),
            with_interval(r["bias_change"], r["bias_ci_low"], r["bias_ci_high"], "{:+.3f}"),
            with_interval(r["scatter_change"], r["scatter_ci_low"], r["scatter_ci_high"], "{:+.3f}"),
            cell(r["r2"], "{:.3f}"),
            cell(r["coverage95"], "{:.1%}"),
            cell(r["flagged"], "{:.0%}"),
        ]
        for r in table.to_dict("records")
    ]
