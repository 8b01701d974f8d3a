"""R² in the bins of T_eff and [M/H], and how gates weigh the experts of the bins."""

import numpy as np
import pandas as pd
from bokeh.layouts import column, row
from bokeh.models import ColorBar
from bokeh.transform import linear_cmap

from gravispec.evaluation.cells import cells, largest
from gravispec.report.page.parts import Column, Section, Table, cell, chosen, hover, plot, with_interval

COLUMNS = [
    Column("bin", "Bin of true T_eff and [M/H].", number=False),
    Column("model", "The model.", number=False),
    Column("noise", "Noise level."),
    Column("n train", "Number of training stars."),
    Column("n", "Number of test stars in the bin."),
    Column("R²", "R² of log g within the bin: relative to the scatter of log g there; empty where stars are too few."),
    Column("ΔR²", "R² minus that of the reference on the same stars, with its interval."),
]


def bins(per_bin, by_snr, predictions, models, run, bin_names):
    """``(section, figures)`` from per_bin.csv and by_snr.csv, and the weights in the predictions."""
    reference, figures = run["reference"], {}
    rows = [
        [
            cell(r["name"]),
            cell(models[r["model"]]["label"]),
            cell(r["noise_level"], "{:g}"),
            cell(r["n_train"], "{:,}"),
            cell(r["n_test"], "{:,}"),
            cell(r["r2"], "{:.3f}"),
            with_interval(r[f"delta_r2_vs_{reference}"], r["ci_low"], r["ci_high"], "{:+.4f}"),
        ]
        for r in per_bin.to_dict("records")
    ]
    weights = mean_weights(predictions, models, bin_names)
    text = "Every bin is measured on its own test stars."
    if len(weights):
        figures["gates"] = _drawn(weights, bin_names)
        text += " Gates: the mean weight of every expert over the test stars of every true bin."
    details = [Table("bins", "R² in the bins", COLUMNS, rows), _by_snr(by_snr, models)]
    return Section("bins", "Gates and bins", text, figures=list(figures), details=details), figures


def _by_snr(table, models):
    columns = [Column("S/N", "Limits of the bin; S/N of the noisy spectrum, a pixel."), *COLUMNS[1:5]]
    columns.append(Column("R²", "R² of log g within the bin, with its interval; empty where stars are too few."))
    rows = [
        [
            cell(r["snr_low"], f"{{:g}} to {r['snr_high']:g}"),
            cell(models[r["model"]]["label"]),
            cell(r["noise_level"], "{:g}"),
            cell(r["n_train"], "{:,}"),
            cell(r["n_test"], "{:,}"),
            with_interval(r["r2"], r["r2_ci_low"], r["r2_ci_high"], "{:.3f}"),
        ]
        for r in table.to_dict("records")
    ]
    return Table("snr", "R² by S/N, all test stars", columns, rows)


def mean_weights(predictions, models, bin_names):
    """Mean weight of every expert over the covered test stars of every true bin: rows model, level, bin, expert."""
    parts = []
    for one in cells(largest(predictions), models):
        columns = {model: [f"w_{model}_{k}" for k in range(len(bin_names))] for model in one.models}
        for model, named in columns.items():
            if one.stars == "covered" and named[0] in one.rows and one.rows[named].notna().all(axis=None):
                mean = one.rows.groupby("bin")[named].mean().reindex(range(len(bin_names)))
                true, expert = np.meshgrid(bin_names, bin_names, indexing="ij")
                about = {"model": models[model]["label"], "noise_level": one.noise_level}
                values = {"true": true.ravel(), "expert": expert.ravel(), "weight": mean.to_numpy().ravel()}
                parts.append(pd.DataFrame({**about, **values}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _drawn(weights, bin_names):
    menus = {
        "model": ("Model", weights["model"].iloc[-1]),
        "noise_level": ("Noise level", weights["noise_level"].min()),
    }
    source, view, selects = chosen(weights, menus)
    fig = plot(
        "Mean weight of the experts", "expert", "true bin", x_range=bin_names, y_range=bin_names[::-1], height=420
    )
    colours = linear_cmap("weight", "Cividis256", 0, 1)
    tiles = fig.rect("expert", "true", 1, 1, source=source, view=view, fill_color=colours, line_color="white")
    hover(fig, [tiles], {"true bin": "@true", "expert": "@expert", "mean weight": "@weight{0.000}"})
    fig.xaxis.major_label_orientation = 0.9
    fig.grid.visible = False
    fig.add_layout(ColorBar(color_mapper=colours.transform, title="weight"), "right")
    return column(row(*selects, styles={"flex-wrap": "wrap"}), fig, sizing_mode="stretch_width")
