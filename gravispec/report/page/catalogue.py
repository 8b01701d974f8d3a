"""The page of a catalogue: Kiel diagram, flags, S/N, outliers, spectra of chosen stars, and where it comes from."""

from pathlib import Path

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import ColorBar, CustomJS, Div, TextInput
from bokeh.transform import linear_cmap

from gravispec.data.provenance import sha256, versions
from gravispec.models.flags import BITS, FLAGS
from gravispec.report.page.parts import Column, Section, Table, cell, hover, menu, plot, side_by_side, source_of
from gravispec.report.page.provenance import FILE, VERSION
from gravispec.report.page.spectra import spectra
from gravispec.report.page.stars import CODE
from gravispec.report.render import LIMIT, render
from gravispec.report.style import PALETTE

MOST_STARS, MOST_SPECTRA, OUTLIERS = 20_000, 30, 30
NUMBERS = ["log_g", "T_eff", "M_H", "sigma", "snr", "chi2"]
TOOLTIPS = {
    "star": "@star_id",
    "log g": "@log_g{0.00} ± @sigma{0.00} (68 %)",
    "T_eff, [M/H]": "@T_eff{0} K, @M_H{+0.00}",
    "S/N, χ²": "@snr{0.0}, @chi2{0.00}",
    "flags": "@flags",
    "file": "@file",
}
GROUPS = {"": "none", "flagged": "with a flag", "unlike": "unlike the training spectra", "uncertain": "σ above 0.5 dex"}
ROWS = [
    Column("star", "Identifier in the file.", number=False),
    Column("file", "File of the spectrum.", number=False),
    Column("log g", "Surface gravity, dex, with its 68 % interval."),
    Column("T_eff (K)", "Effective temperature."),
    Column("[M/H]", "Metallicity, dex."),
    Column("S/N", "Median flux over error of a pixel."),
    Column("χ²", "Reduced χ² of the reconstruction from the principal components."),
    Column("flags", "What was found, by name.", number=False),
]
COUNTS = [
    Column("flag", "Name of the flag.", number=False),
    Column("bit", "Its bit in the column flags."),
    Column("spectra", "How many spectra have it."),
    Column("share", "Of all spectra."),
    Column("meaning", "What it says.", number=False),
]
UNREAD = [Column("problem", "What could not be read, or predicted, and why.", number=False), Column("n", "How often.")]


def page(table, kept, problems, *, name, models, command):
    """HTML of a catalogue, at most ``LIMIT`` bytes: with fewer stars where they would not fit, which the page says.

    table, kept, problems : rows of the catalogue, those whose spectra were kept, lines on files that cannot be read
    models : paths of the trained runs
    """
    good = table[table["problem"] == ""].reset_index(drop=True)
    good = good.assign(sigma=(good["log_g_hi68"] - good["log_g_lo68"]) / 2, names=good["flags"].map(_names))
    about = f"{len(table):,} spectra, {len(good):,} with labels, in {table['file'].nunique():,} files."
    most = MOST_STARS
    while True:
        shown = good[:: max(1, -(-len(good) // most))]
        sections, drawn = [], {}
        for section, plots in (_stars(shown, len(good)), _flags(table), _outliers(good), _chosen(kept)):
            sections += [section] if section else []
            drawn |= plots
        sections += [*_problems(table, problems), _provenance(models, command)]
        text = render("catalogue.html", sections, drawn, title=f"gravispec: {name}", name=name, about=about)
        if (size := len(text.encode())) <= LIMIT:
            return text
        most = int(0.9 * len(shown) * min(1, LIMIT / size))


def _names(flags):
    return ", ".join(name for name, bit in BITS.items() if int(flags) & bit) or "none"


def _stars(shown, n):
    text = "Hover over a star; select stars with the pointer or the menus: they are selected in all plots."
    if len(shown) < n:
        text += f" {len(shown):,} of the {n:,} stars with labels are drawn."
    if not len(shown):
        return Section("stars", "Kiel diagram", "No spectrum has labels."), {}
    table = shown[["star_id", "file", *NUMBERS]].assign(flags=shown["names"])
    table["mark"] = np.where(shown["flags"] == 0, "circle", "triangle")
    source = source_of(table)
    tools = "tap,box_select,lasso_select,pan,box_zoom,wheel_zoom,reset,save"
    (x_range, y_range), beyond = _limits(shown)
    if beyond:
        text += f" {beyond:,} lie beyond the axes of the Kiel diagram: zoom out."
    look = {
        "x_range": x_range,
        "y_range": y_range,
        "tools": tools,
        "height": 480,
        "active_drag": "box_select",
        "name": "kiel",
    }
    kiel = plot("Kiel diagram (triangles have a flag)", "T_eff (K)", "log g (dex)", **look)
    colours = linear_cmap("M_H", "Viridis256", *np.nanquantile(shown["M_H"], [0.01, 0.99]))
    _marks(kiel, source, "T_eff", "log_g", colours)
    kiel.add_layout(ColorBar(color_mapper=colours.transform, title="[M/H] (dex)"), "right")
    others = []
    for y, title, scale in (("sigma", "σ of log g (dex)", "linear"), ("chi2", "χ²", "log")):
        one = plot(None, "S/N a pixel", title, tools=tools, height=280, active_drag="box_select", name=y,
                   x_axis_type="log", y_axis_type=scale)  # fmt: skip
        _marks(one, source, "snr", y, PALETTE["blue"])
        others.append(one)
    group = menu("Select stars", list(GROUPS.items()), "")
    identifier = TextInput(title="Select a star by its id", sizing_mode="stretch_width", min_width=150, max_width=300)
    selected = Div(text="", sizing_mode="stretch_width", name="selected stars")
    callback = CustomJS(args={"source": source, "group": group, "identifier": identifier, "list": selected}, code=CODE)
    for one in (group, identifier):
        one.js_on_change("value", callback)
    source.selected.js_on_change("indices", callback)
    menus = row(group, identifier, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})
    drawn = column(menus, kiel, selected, side_by_side(others, 2), sizing_mode="stretch_width")
    return Section("stars", "Kiel diagram and S/N", text, figures=["stars"]), {"stars": drawn}


def _limits(shown):
    """Axes of the Kiel diagram, from high to low, that wild stars do not stretch; how many lie beyond."""
    ranges, inside = [], np.ones(len(shown), bool)
    for name, least in (("T_eff", 100), ("log_g", 0.2)):
        low, high = np.nanquantile(shown[name], [0.01, 0.99])
        margin = 0.2 * (high - low) + least
        inside &= shown[name].between(low - margin, high + margin).to_numpy()
        ranges.append((high + margin, low - margin))
    return ranges, int((~inside).sum())


def _marks(fig, source, x, y, colour):
    points = fig.scatter(
        x, y, source=source, size=5, alpha=0.6, line_width=0, color=colour, marker="mark",
        selection_color=PALETTE["pink"], selection_line_color="black", selection_alpha=1, nonselection_alpha=0.12,
    )  # fmt: skip
    hover(fig, [points], TOOLTIPS)


def _flags(table):
    flags, n = table["flags"].to_numpy(int), max(len(table), 1)
    found = {bit: int((flags & bit > 0).sum()) for bit, _, _ in FLAGS}
    rows = [
        [cell(name), cell(bit), cell(found[bit], "{:,}"), cell(found[bit] / n, "{:.1%}"), cell(meaning)]
        for bit, name, meaning in FLAGS
    ]
    good = int((flags == 0).sum())
    text = f"{good:,} of {len(table):,} spectra have no flag."
    return Section("flags", "Flags", text, [Table("flags", "Spectra with each flag", COUNTS, rows)]), {}


def _outliers(good):
    """Rows that are least like the training spectra."""
    worst = good.nlargest(OUTLIERS, "chi2")
    rows = [
        [
            cell(r["star_id"]),
            cell(r["file"]),
            cell(r["log_g"], f"{{:.2f}} ({r['log_g_lo68']:.2f}, {r['log_g_hi68']:.2f})"),
            cell(r["T_eff"], "{:.0f}"),
            cell(r["M_H"], "{:+.2f}"),
            cell(r["snr"], "{:.1f}"),
            cell(r["chi2"], "{:.2f}"),
            cell(r["names"]),
        ]
        for r in worst.to_dict("records")
    ]
    caption = f"The {len(rows)} spectra with the largest χ²"
    return Section("outliers", "Outliers", tables=[Table("outliers", caption, ROWS, rows)]), {}


def _chosen(kept):
    if not len(kept):
        return None, {}
    kept = kept.sort_values("chi2", ascending=False)
    kept = kept.iloc[np.unique(np.linspace(0, len(kept) - 1, min(MOST_SPECTRA, len(kept))).astype(int))]
    arrays = {"flux": "flux", "sigma": "sigma", "model": "reconstruction"}
    samples = {name: np.stack([np.asarray(one, np.float32) for one in kept[at]]) for name, at in arrays.items()}
    titles = [
        f"{r['star_id']}: log g {r['log_g']:.2f}, {r['T_eff']:.0f} K, [M/H] {r['M_H']:+.2f}, S/N {r['snr']:.1f}, χ² "
        f"{r['chi2']:.2f} ({r['why']})"
        for r in kept.to_dict("records")
    ]
    text = (
        "The extremes of every file. The model is the reconstruction from the principal components of the training "
        "spectra, which χ² measures; masked pixels have no residual."
    )
    return spectra(np.asarray(kept["wave"].iloc[0], float), samples, titles, text)


def _problems(table, problems):
    found = table.loc[table["problem"] != "", "problem"].value_counts()
    rows = [[cell(text), cell(1, "{:,}")] for text in problems]
    rows += [[cell(text), cell(int(n), "{:,}")] for text, n in found.items()]
    if not rows:
        return []
    text = f"{len(problems):,} files cannot be read, {int(found.sum()):,} spectra have no labels."
    return [Section("problems", "Problems", text, [Table("problems", "Files and spectra", UNREAD, rows)])]


def _provenance(models, command):
    files = [[cell(path), cell(size, "{:,}"), cell(digest)] for path, size, digest in map(_file, models)]
    of_version = [[cell(name), cell(version)] for name, version in versions().items()]
    tables = [Table("models", "Trained runs", FILE, files), Table("versions", "Versions", VERSION, of_version)]
    return Section("provenance", "Provenance", f"Made by: {command}", tables)


def _file(path):
    return path, Path(path).stat().st_size, sha256(path)
