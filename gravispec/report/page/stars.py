"""Predicted against true log g with every test star, and its residuals: one source, so that a selection is in all."""

from pathlib import Path

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import CustomJS, Div, Slope, Span, TextInput
from bokeh.transform import factor_cmap, factor_mark

from gravispec.evaluation.calibration import fitted
from gravispec.evaluation.cells import labels_of, sigma_of
from gravispec.report.page.chooser import Chooser
from gravispec.report.page.parts import MARKS, hover, menu, plot, side_by_side, text_of
from gravispec.report.style import PALETTE

CODE = (Path(__file__).parent / "select.js").read_text(encoding="utf-8")
FLAGS = list(MARKS)
RESIDUALS = {"log_g": "true log g (dex)", "T_eff": "true T_eff (K)", "M_H": "true [M/H] (dex)", "snr": "S/N a pixel"}
TOOLTIPS = {
    "star": "@star_id",
    "log g": "@predicted{0.00} ± @sigma{0.00} (68 %), true @log_g{0.00}",
    "T_eff, [M/H]": "@T_eff{0} K, @M_H{+0.00}",
    "S/N, χ²": "@snr{0.0}, @chi2{0.00}",
    "bin": "@bin",
    "flags": "@flags",
}
#: groups of stars that a menu selects, for those who use no pointer
GROUPS = {
    "": "none",
    "outside": "outside the bins",
    "edge": "at the edge of the labels",
    "far": "further off than 3 σ",
    "missed": "more than 1 dex off",
}


def at_levels(predictions):
    """``{level: test stars}`` of the cells with the most training stars."""
    test = predictions[predictions["split"] == "test"]
    found = {level: rows for level, rows in test.groupby("noise_level")}
    return {level: rows[rows["n_train"] == rows["n_train"].max()] for level, rows in found.items()}


def chooser(predictions, models, calibrations, bin_names, most):
    """``Chooser`` of all models and noise levels; ``most``: stars at most, every so many of them.

    ``calibrations``: ``{level: calibration}``; models without intervals have no sigma.
    """
    levels = at_levels(predictions)
    step = -(-len(next(iter(levels.values()))) // most)
    first = next(iter(levels.values()))[::step]
    names = np.array([*bin_names, "outside"])
    fixed = {"star_id": first["star_id"].to_numpy(), "bin": names[first["bin"].to_numpy()]}
    fixed |= {name: first[name].to_numpy() for name in ("log_g", "T_eff", "M_H")}
    columns = ["predicted", "residual", "sigma", "snr", "chi2", "flags"]
    found = Chooser(fixed, columns, {"flags": FLAGS})
    for level, rows in levels.items():
        rows, at = rows[::step], text_of(level)
        found.add("snr", at, rows["snr_measured"])
        found.add("chi2", at, rows["chi2"])
        found.add("flags", at, rows["uncovered"].to_numpy(int) + 2 * rows["edge"].to_numpy(int))
        for model in models:
            if model in rows and rows[model].notna().any():
                found.add("predicted", [at, model], rows[model])
                found.add("residual", [at, model], rows[model] - rows["log_g"])
                if model in calibrations[level]["models"]:
                    scale, intervals = fitted(calibrations[level], model)
                    own = scale(labels_of(rows, model)) * sigma_of(rows, model)
                    found.add("sigma", [at, model], intervals(rows["snr_measured"].to_numpy())[:, 0, 0] * own[:, 0])
    return found


def figures(found, models, run):
    """``{name: figure}``: the main plot with its menus, the residuals, the list of selected stars."""
    levels, names = zip(*(name.split("|")[1:] for name in found.store if name.startswith("predicted|")), strict=True)
    first = next(at for at, name in zip(levels, names, strict=True) if name == run["catalogue"])
    source = found.source_at([first, run["catalogue"]])
    level = menu("Noise level", list(dict.fromkeys(levels)), first)
    model = menu("Model", [(name, models[name]["label"]) for name in dict.fromkeys(names)], run["catalogue"])
    found.link(source, [level, model])
    group = menu("Select stars", list(GROUPS.items()), "")
    identifier = TextInput(title="Select a star by its id", sizing_mode="stretch_width", min_width=150, max_width=300)
    selected = Div(text="", sizing_mode="stretch_width", name="selected stars")
    callback = CustomJS(args={"source": source, "group": group, "identifier": identifier, "list": selected}, code=CODE)
    group.js_on_change("value", callback)
    identifier.js_on_change("value", callback)
    source.selected.js_on_change("indices", callback)
    tools = "tap,box_select,lasso_select,pan,box_zoom,wheel_zoom,reset,save"
    main = plot("Predicted against true", "true log g (dex)", "predicted log g (dex)", tools=tools, height=480,
                active_drag="box_select", name="predicted against true")  # fmt: skip
    main.add_layout(Slope(gradient=1, y_intercept=0, line_color="#4d4d4d"))
    _marks(main, source, "log_g", "predicted", legend=True)
    main.legend.location, main.legend.title = "top_left", "flags"
    main.legend.background_fill_alpha = 0.6
    others = []
    for x, title in RESIDUALS.items():
        one = plot(None, title, "predicted − true (dex)", tools=tools, height=260, active_drag="box_select", name=x,
                   x_axis_type="log" if x == "snr" else "linear")  # fmt: skip
        one.add_layout(Span(location=0, dimension="width", line_color="#4d4d4d"))
        _marks(one, source, x, "residual")
        others.append(one)
    menus = row(level, model, group, identifier, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})
    grid = side_by_side(others, 2)
    return {"stars": column(menus, main, selected, grid, sizing_mode="stretch_width")}


def _marks(plot, source, x, y, legend=False):
    colours, marks = zip(*MARKS.values(), strict=True)
    look = {"color": factor_cmap("flags", list(colours), FLAGS), "marker": factor_mark("flags", list(marks), FLAGS)}
    about = {"legend_field": "flags"} if legend else {}
    points = plot.scatter(
        x, y, source=source, size=5, alpha=0.55, line_width=0, selection_color=PALETTE["pink"], selection_alpha=1,
        selection_line_color="black", nonselection_alpha=0.12, **look, **about,
    )  # fmt: skip
    hover(plot, [points], TOOLTIPS)
