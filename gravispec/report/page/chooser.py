"""Columns that menus choose among packed ones, unpacked in the browser into the source that all plots of a set show."""

from pathlib import Path

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS

from gravispec.report.page.parts import packed, unpacked

CODE = (Path(__file__).parent / "choose.js").read_text(encoding="utf-8")


class Chooser:
    """``add`` packed columns; ``source`` has what is seen of them, and fixed columns besides.

    A packed column is called ``column|key``, its key what the menus say, ``0.2|mlp`` or only the first of them.
    """

    def __init__(self, fixed, columns, texts=None):
        self.fixed, self.columns, self.texts = dict(fixed), list(columns), texts or {}
        self.store, self.scales = {}, {}

    def add(self, column, key, values):
        """Values of a column where the menus say ``key``, a text or several."""
        name = "|".join([column, *([key] if isinstance(key, str) else key)])
        self.store[name], self.scales[name] = packed(values)

    def values(self, column, key):
        """What the browser makes of it: the numbers or texts of the longest key that is there, NaN where none is."""
        for k in range(len(key), -1, -1):
            name = "|".join([column, *key[:k]])
            if name in self.store:
                found = unpacked(self.store[name], self.scales[name])
                return [self.texts[column][round(v)] for v in found] if column in self.texts else found
        return np.full(len(next(iter(self.store.values()))), np.nan)

    def source_at(self, key):
        """The source, filled with what is chosen first."""
        found = {**self.fixed, **{column: self.values(column, key) for column in self.columns}}
        return ColumnDataSource({name: _small(values) for name, values in found.items()})

    def link(self, source, menus):
        """Let the menus fill the source."""
        arguments = {"source": source, "store": ColumnDataSource(self.store), "scales": self.scales, "menus": menus}
        callback = CustomJS(args={**arguments, "columns": self.columns, "texts": self.texts}, code=CODE)
        for menu in menus:
            menu.js_on_change("value", callback)


def _small(values):
    values = np.asarray(values)
    return values.astype(np.float32) if values.dtype.kind == "f" else values.tolist()
