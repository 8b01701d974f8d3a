"""How the schema of a table is made, and where a number of a table may be missing, by what is beside it."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from gravispec.evaluation.cells import MIN_STARS


class Empty(NamedTuple):
    """Where columns are empty: ``where(table, column)`` (N,) bool, and the reason in words."""

    reason: str
    where: Callable


def empty_of(schema, column):
    """The `Empty` of a column; None where every number of it has to be finite."""
    return next((e for columns, e in schema.metadata["empty"].items() if re.fullmatch(columns, column)), None)


def table_schema(columns, *checks, empty=None, given=None, key=None, optional=()):
    """A schema; ``columns``: name and range (low, high), or name and the allowed texts, or name and None for any."""
    numbers = [name for name, allowed in columns.items() if allowed and not isinstance(allowed[0], str)]
    schema = DataFrameSchema(checks=list(checks), unique=key, metadata={"empty": empty or {}, "given": given or {}})
    schema.metadata["numbers"] = numbers
    for name, allowed in columns.items():
        check = Check.in_range(*allowed) if name in numbers else Check.isin(allowed) if allowed else None
        nullable = empty_of(schema, name) is not None
        schema.columns[name] = Column(checks=check, nullable=nullable, required=name not in optional, name=name)
    return schema


def few(table, column):
    return table["n_test"] < MIN_STARS


def no_difference(table, column):
    """A bin with few stars, the reference itself, or a cell without it."""
    name = next(iter(table.filter(regex="^delta_r2_vs_")), "")
    is_reference = table["model"] == name.removeprefix("delta_r2_vs_")
    return few(table, column) | is_reference | ~_in_groups(is_reference, table, ["noise_level", "n_train"], "any")


def not_given(table, column):
    """Stars that are drawn have all labels but the redshift."""
    return table[column].isna() & ("redshift" in table)


def all_or_none(*keys):
    """A column is empty in all rows with the same ``keys``, or in none."""
    return lambda table, column: _in_groups(table[column].isna(), table, keys, "all")


def _in_groups(found, table, keys, what):
    """Whether ``any`` or ``all`` of ``found`` (N,) in the group of each row, of those with the same ``keys``."""
    return found.groupby([table[key] for key in keys], dropna=False).transform(what) if found.any() else found


def no_star(total):
    """Where there is no star to take a share of: ``total(table)`` is 0."""
    return Empty("no star to take a share of", lambda table, column: total(table) == 0)


def predicted(table):
    """Stars predicted as what the row is about."""
    return sum(table[f"predicted_{kind}"].where(table["true"] == kind, 0) for kind in ("giant", "dwarf"))


def rises(*columns):
    """A check that these columns rise from left to right, where there are numbers."""

    def rising(table):
        values = table[list(columns)].to_numpy(float)
        in_order = np.isnan(values) | (np.diff(values, prepend=-np.inf, axis=1) >= 0)
        return pd.Series(in_order.all(axis=1), index=table.index)

    return Check(rising, name=" ≤ ".join(columns))
