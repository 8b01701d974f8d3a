"""What a page is made of: sections with tables, and with figures of Bokeh whose menus choose among rows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bokeh.models import CDSView, ColumnDataSource, GroupFilter, HoverTool, IntersectionFilter, Row, Select
from bokeh.plotting import figure

from gravispec.report.style import PALETTE

SENTINEL = -32768  # of a missing number in a packed column


@dataclass
class Column:
    """A column of a table: its heading, and the explanation that opens on hover, focus and touch."""

    title: str
    explanation: str
    number: bool = True


@dataclass
class Table:
    """Rows of ``(text, value)``; the value, a number or a text, is what sorts and what tests compare."""

    name: str
    caption: str
    columns: list[Column]
    rows: list[list[tuple[str, Any]]]


@dataclass
class Section:
    """``figures``: names of ``{name: figure}`` of the page; ``more``: what its own template needs."""

    id: str
    title: str
    text: str = ""
    tables: list[Table] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    details: list[Table] = field(default_factory=list)
    more: dict = field(default_factory=dict)


def cell(value, form="{}"):
    """``(text, value)``; a missing number is an empty text."""
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return "", ""
    return form.format(value), value.item() if isinstance(value, np.generic) else value


def with_interval(value, low, high, form):
    """A number with its interval behind it, as in ``0.910 (0.902, 0.916)``."""
    text, value = cell(value, form)
    if not text or not np.isfinite(low):
        return text, value
    return f"{text} ({form.format(low)}, {form.format(high)})", value


def plot(title, x, y, *, tools="pan,box_zoom,wheel_zoom,reset,save", **options):
    """An empty figure as wide as the page, with labelled axes."""
    options = {"height": 360, "active_scroll": None, "active_drag": None} | options
    found = figure(title=title, x_axis_label=x, y_axis_label=y, tools=tools, sizing_mode="stretch_width", **options)
    found.toolbar.logo = None
    found.toolbar.autohide = True
    if title:
        found.title.text_font_size = "13px"
    found.grid.grid_line_color = "#e0e0e0"
    return found


def hover(plot, renderers, tooltips):
    """What is shown of a mark under the pointer: ``{name: format}`` of Bokeh."""
    plot.add_tools(HoverTool(renderers=renderers, tooltips=list(tooltips.items()), point_policy="snap_to_data"))


def side_by_side(plots, columns):
    """Figures in rows of so many, each with tools of its own; on a narrow page one below the other."""
    styles = {
        "display": "grid",
        "grid-template-columns": f"repeat(auto-fit, minmax(min(100%, {1000 // columns}px), 1fr))",
    }
    return Row(*plots, sizing_mode="stretch_width", styles=styles)


def chosen(table, menus):
    """``(source, view, selects)``: rows of a table, and menus that choose those that are seen.

    ``menus``: ``{column: (title, default)}``; menus with one entry are left out. Texts of the values are compared.
    """
    table = table.assign(**{column: table[column].map(text_of) for column in menus})
    filters, selects = [], []
    for column, (title, default) in menus.items():
        group = GroupFilter(column_name=column, group=text_of(default))
        select = menu(title, list(dict.fromkeys(table[column])), text_of(default))
        select.js_link("value", group, "group")
        filters.append(group)
        selects.append(select)
    view = CDSView(filter=IntersectionFilter(operands=filters))
    return source_of(table), view, [select for select in selects if len(select.options) > 1]


def source_of(table):
    """A source with the columns of a table: numbers as arrays of half the size, others as lists."""
    numbers = {name: values.to_numpy(np.float32) for name, values in table.items() if values.dtype.kind == "f"}
    return ColumnDataSource({name: numbers.get(name, values.tolist()) for name, values in table.items()})


def menu(title, options, value):
    """A menu of texts, or of ``(value, text)``."""
    return Select(title=title, options=options, value=value, sizing_mode="stretch_width", min_width=150, max_width=300)


def text_of(value):
    """As menus show it: 0.2, 100000, a name."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def packed(values):
    """``(int16, scale)`` of numbers with at most 1.6e-5 of the largest lost: a quarter of the place of a float64."""
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    scale = float(np.abs(values[finite]).max() / 32767) if finite.any() and np.abs(values[finite]).max() else 1.0
    return np.where(finite, np.round(np.where(finite, values, 0) / scale), SENTINEL).astype(np.int16), scale


def unpacked(values, scale):
    """The numbers again, NaN where they are missing."""
    return np.where(values == SENTINEL, np.nan, values * scale)


#: of marks that differ in kind, too: shapes besides colours
MARKS = {
    "none": (PALETTE["blue"], "circle"),
    "outside the bins": (PALETTE["orange"], "triangle"),
    "edge of the labels": (PALETTE["red"], "square"),
    "outside, edge": (PALETTE["black"], "diamond"),
}
