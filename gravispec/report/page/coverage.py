"""Coverage of the intervals against what they promise, by S/N, and of the posteriors' own intervals."""

import numpy as np
from bokeh.layouts import column, row

from gravispec.report.page.parts import Column, Section, Table, cell, chosen, hover, plot
from gravispec.report.style import PALETTE

NAMES = {"log_g": "log g", "T_eff": "T_eff", "M_H": "[M/H]"}
COLUMNS = [
    Column("model", "The model whose intervals these are.", number=False),
    Column("noise", "Noise level."),
    Column("label", "What the interval is of.", number=False),
    Column("promised", "Share of the stars that the interval promises to hold."),
    Column("coverage", "Share of the test stars whose true label is inside."),
    Column(
        "band", "Where the coverage of right intervals lies in 99 of 100 runs, of all of them at once.", number=False
    ),
    Column("inside", "Whether the coverage lies in the band.", number=False),
    Column("n", "Number of test stars."),
]


def coverage(intervals, posteriors, models, run):
    """``(section, figures)`` from calibration.csv and posteriors.csv."""
    kinds = {"intervals of the catalogue": intervals, "posterior's own": posteriors}
    tables = [_table(kind, rows, models) for kind, rows in kinds.items() if len(rows)]
    figures = {}
    if len(intervals):
        figures["coverage"] = _by_snr(intervals, models, run)
    if len(posteriors):
        figures["posteriors"] = _nominal(posteriors, models)
    text = (
        "Of intervals that are right, 68 and 95 % hold the true label, at every S/N. Bars: the 99 % band. "
        "Intervals of the catalogue come from validation stars that no model has seen."
    )
    return Section("coverage", "Coverage", text, figures=list(figures), details=tables), figures


def _table(kind, table, models):
    rows = [
        [
            cell(models[r["model"]]["label"]),
            cell(r["noise_level"], "{:g}"),
            cell(NAMES[r["label"]]),
            cell(r["nominal"], "{:.0%}"),
            cell(r["coverage"], "{:.1%}"),
            cell(f"{r['band_low']:.1%} to {r['band_high']:.1%}"),
            cell("yes" if r["inside"] else "no"),
            cell(r["n_test"], "{:,}"),
        ]
        for r in table[table["by"] == "all"].to_dict("records")
    ]
    name = "coverage" if kind.startswith("intervals") else "coverage_posteriors"
    return Table(name, f"Coverage of the {kind}, all test stars", COLUMNS, rows)


def _with_names(table, models):
    return table.assign(label=table["label"].map(NAMES), model=table["model"].map(lambda name: models[name]["label"]))


def _by_snr(table, models, run):
    rows = _with_names(table[table["by"].str.startswith("snr")], models)
    apart = np.where(rows["nominal"] > 0.8, 1.015, 1 / 1.015)  # 95 and 68 % side by side
    rows = rows.assign(middle=apart * np.sqrt(rows["low"].clip(lower=1e-3) * rows["high"]))
    rows["inside"] = np.where(rows["inside"], "yes", "no")
    menus = {
        "model": ("Model", models[run["catalogue"]]["label"]),
        "label": ("Label", "log g"),
        "noise_level": ("Noise level", table.loc[table["model"] == run["catalogue"], "noise_level"].min()),
    }
    fig = plot(
        "Coverage of the 68 % (circles) and 95 % intervals (squares) by S/N",
        "S/N a pixel",
        "coverage",
        x_axis_type="log",
        height=320,
    )
    return _drawn(fig, rows, "middle", menus, {"S/N": "@low{0.0} to @high{0.0}"})


def _nominal(table, models):
    rows = _with_names(table[table["by"] == "all"], models)
    rows["inside"] = np.where(rows["inside"], "yes", "no")
    menus = {
        "model": ("Model", rows["model"].iloc[-1]),
        "label": ("Label", "log g"),
        "noise_level": ("Noise level", rows["noise_level"].min()),
    }
    fig = plot("Coverage of the posterior's own intervals", "promised", "coverage", height=320)
    fig.line([0, 1], [0, 1], color="#4d4d4d", line_width=1)
    return _drawn(fig, rows, "nominal", menus, {"pulls": "mean @pull_mean{0.00}, σ @pull_std{0.00}"})


def _drawn(fig, rows, x, menus, more):
    rows = rows.assign(mark=np.where(rows["nominal"] > 0.8, "square", "circle"))
    keep = [*menus, "mark", x, "coverage", "band_low", "band_high", "nominal", "inside", "n_test", "low", "high"]
    source, view, selects = chosen(
        rows[[c for c in dict.fromkeys([*keep, "pull_mean", "pull_std"]) if c in rows]], menus
    )
    fig.segment(x, "band_low", x, "band_high", source=source, view=view, line_width=9, color="#c8c8c8", alpha=0.7)
    points = fig.scatter(x, "coverage", source=source, view=view, size=8, color=PALETTE["blue"], marker="mark")
    about = {"coverage": "@coverage{0.0%}, promised @nominal{0%}", "band": "@band_low{0.0%} to @band_high{0.0%}"}
    hover(fig, [points], about | {"inside": "@inside", "n": "@n_test"} | more)
    fig.y_range.start, fig.y_range.end = 0, 1.03
    return column(row(*selects, styles={"flex-wrap": "wrap"}), fig, sizing_mode="stretch_width")
