"""Groups of stars for which a table has a row each: all of them, and bins of a label or of the S/N."""

import numpy as np


def quantile_edges(values, n_bins):
    """Edges (n_bins + 1,) from the smallest to the largest of ``values``, with as many stars in every bin."""
    return np.quantile(values, np.linspace(0, 1, n_bins + 1))


def grouped(table, edges):
    """Yield ``(about, rows)``: first all rows of ``table``, then those of every bin of every column.

    ``edges``: ``{column: (B + 1,) array}``; bins are half-open, and what lies beyond the outer edges belongs to the
    first and the last. ``about`` has the keys by, bin, low and high: the limits of the bin, at both ends those of its
    stars. Bins without a star are left out.
    """
    yield {"by": "all", "bin": 0, "low": np.nan, "high": np.nan}, table
    for column, limits in edges.items():
        values = table[column].to_numpy()
        of_star = np.searchsorted(limits[1:-1], values, side="right")
        limits = [values.min(), *limits[1:-1], values.max()]
        for b in np.unique(of_star):
            yield {"by": column, "bin": b, "low": limits[b], "high": limits[b + 1]}, table[of_star == b]
