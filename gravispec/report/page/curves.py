"""Learning curves: R² against the number of training stars, and losses of networks epoch by epoch."""

import pandas as pd
from bokeh.layouts import column, row

from gravispec.report.page.parts import Section, chosen, hover, plot
from gravispec.report.style import PALETTE, looks


def curves(losses, summary, models, run):
    """``(section, figures)`` from training_curves.csv and the summary; None where a run has neither."""
    figures = {}
    if summary["n_train"].nunique() > 1:
        figures["growth"] = _growth(summary, models, run)
    if len(losses):
        figures["losses"] = _losses(losses, models)
    text = "Dashed: loss of the stars that are fitted; solid: of those that stop the training; a line a seed." * bool(
        len(losses)
    )
    return (Section("curves", "Learning curves", text, figures=list(figures)) if figures else None), figures


def _growth(summary, models, run):
    names = {about[stars]: name for name, about in models.items() for stars in ("covered", "all")}
    look = looks(models, run)
    table = summary.assign(name=summary["model"].map(names))
    table["colour"] = table["name"].map(lambda name: look[name]["color"])
    table["label"] = table["name"].map(lambda name: models[name]["label"])
    menus = {"stars": ("Stars", "all"), "noise_level": ("Noise level", table["noise_level"].min())}
    columns = ["n_train", "r2", "r2_ci_low", "r2_ci_high", "colour", "label", "n_test", *menus]
    source, view, selects = chosen(table[columns], menus)
    fig = plot("R² against the number of training stars", "training stars", "R²", x_axis_type="log", height=340)
    fig.segment("n_train", "r2_ci_low", "n_train", "r2_ci_high", source=source, view=view, color="colour", line_width=2)
    points = fig.scatter("n_train", "r2", source=source, view=view, color="colour", size=9, legend_group="label")
    hover(fig, [points], {"model": "@label", "n train": "@n_train{0,0}", "R²": "@r2{0.000}", "n": "@n_test"})
    fig.add_layout(fig.legend[0], "right")
    return column(row(*selects, styles={"flex-wrap": "wrap"}), fig, sizing_mode="stretch_width")


def _losses(losses, models):
    table = losses[losses["n_train"] == losses["n_train"].max()]
    rows = []
    for (model, level), lines in table.groupby(["model", "noise_level"], sort=False):
        for seed, line in lines.groupby("seed", dropna=False):
            for kind, dash in (("fit", "dashed"), ("stop", "solid")):
                about = {
                    "model": models[model]["label"],
                    "noise_level": level,
                    "kind": kind,
                    "dash": dash,
                    "seed": seed,
                }
                values = {"epoch": line["epoch"].tolist(), "value": line[kind].tolist(), "loss": line["loss"].iloc[0]}
                rows.append(about | values)
    table = pd.DataFrame(rows)
    menus = {"model": ("Model", table["model"].iloc[-1]), "noise_level": ("Noise level", table["noise_level"].iloc[0])}
    source, view, selects = chosen(table, menus)
    fig = plot("Loss of the training", "epoch", "loss", height=340)
    lines = fig.multi_line(
        "epoch", "value", source=source, view=view, line_dash="dash", color=PALETTE["blue"], line_width=2
    )
    hover(fig, [lines], {"": "@kind, @loss", "epoch": "$data_x{0}", "loss": "$data_y{0.0000}", "seed": "@seed"})
    return column(row(*selects, styles={"flex-wrap": "wrap"}), fig, sizing_mode="stretch_width")
