"""Every table of a run checked before its summary: by its schema, the stars of the data set, and computed again."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.errors import SchemaErrors

from gravispec.data.schemas import SCHEMAS
from gravispec.data.table_schema import empty_of
from gravispec.errors import InputError
from gravispec.evaluation.recompute import RECIPES, RTOL, TOLERANCE, Tables, difference, flat

#: tables that have every star of these splits, in the order of the table of stars
STARS_OF = {
    "features": ("train", "val", "test"),
    "quality": ("train", "val", "test"),
    "experts": ("val", "test"),
    "model_predictions": ("val", "test"),
    "predictions": ("val", "test"),
}


def validate(tables, settings):
    """Check ``tables``, ``{name of a schema: paths}``, ``stars`` among them; returns ``{path: number of rows}``.

    ``settings``: what the recipes of ``gravispec.evaluation.recompute`` need. Raises ``InputError`` at the first
    mistake, with the file, the row, what is wrong there and the remedy.
    """
    rows = check_tables(tables)
    run = Tables(tables, settings, read)
    for name, recipe in RECIPES.items():
        if name in tables:
            for path, table, again in zip(tables[name], run.all(name), recipe(run), strict=True):
                compare(name, path, table, again)
    return rows


def check_tables(tables):
    """Every table by its schema and the stars of the data set; returns ``{path: number of rows}``."""
    found = {}
    stars = read(tables["stars"][0])
    for name, paths in tables.items():
        for path in paths:
            table = read(path)
            check(name, path, table)
            if name in STARS_OF:
                _check_stars(path, table, stars, STARS_OF[name])
            found[path] = len(table)
    return found


def compare(name, path, table, again):
    """``table``, from ``path``, against what its recipe makes ``again``; other columns need a reason in the schema."""
    given = SCHEMAS[name].metadata["given"]
    if Path(path).suffix == ".csv":
        again = pd.read_csv(StringIO(again.to_csv(index=False, float_format="%.8g")))
    unknown = [column for column in table if column not in again and not {column, "*"} & given.keys()]
    rtol, of_column = TOLERANCE.get(name, (RTOL, 0.0))
    found = difference(table, again, rtol=rtol, of_column=of_column)
    if found or unknown:
        raise _bad(path, found or f"column {unknown[0]} is not of this table")


def read(path):
    """A table: CSV, parquet with its page checksums, or JSON."""
    try:
        if Path(path).suffix == ".json":
            return flat(json.loads(Path(path).read_text(encoding="utf-8")))
        if Path(path).suffix == ".csv":
            return pd.read_csv(path)
        return pd.read_parquet(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _bad(path, f"cannot be read ({' '.join(str(error).split())})") from None


def check(name, path, table):
    """Check a table by the schema ``name``, and that every number is finite."""
    schema = SCHEMAS[name]
    for column, wanted in schema.columns.items():
        if wanted.required and column not in table:
            raise _bad(path, f"no column {column}")
        if column in table and column in schema.metadata["numbers"]:
            text = pd.to_numeric(table[column], errors="coerce").isna() & table[column].notna()
            if text.any():
                row = int(np.argmax(text))
                raise _bad(path, f"row {row}, {column} = {table[column].iloc[row]}: a number is needed")
    empty = {column: found for column in table if (found := empty_of(schema, column))}
    for column, found in empty.items():
        _check_empty(path, table[column], found, found.where(table, column).to_numpy(bool))
    numbers = table.select_dtypes("number").astype(float)
    missing = numbers.isna() & numbers.columns.isin(list(empty))
    bad = np.argwhere(~np.isfinite(numbers.to_numpy(float)) & ~missing.to_numpy(bool))  # of a table without rows, too
    if len(bad):
        row, column = bad[0]
        raise _bad(
            path, f"row {row}, {numbers.columns[column]} = {numbers.iloc[row, column]}: a finite number is needed"
        )
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        case = errors.failure_cases.iloc[0]
        row = "" if pd.isna(case["index"]) else f"row {case['index']}, "
        if case["schema_context"] == "Column":
            what = f"{row}{case['column']} = {case['failure_case']}: expected {case['check']}"
        elif case["check"] == "multiple_fields_uniqueness":
            what = f"{row}{', '.join(schema.unique)}: the same as in another row"
        else:
            what = f"{row}expected {case['check']}"
        raise _bad(path, what) from None


def _check_empty(path, values, empty, where):
    """A value is missing where the schema says so, and there alone."""
    for wrong, what in ((values.isna() & ~where, "empty only where"), (values.notna() & where, "to be empty:")):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise _bad(path, f"row {row}, {values.name} = {values.iloc[row]}: {what} {empty.reason}")


def _check_stars(path, table, stars, splits):
    wanted = stars.loc[stars["split"].isin(splits), "star_id"].tolist()
    for _, rows in table.groupby(["noise_level", "n_train"]) if "n_train" in table else [(None, table)]:
        if "split" in rows:
            rows = rows[rows["split"].isin(splits)]
        if rows["star_id"].tolist() != wanted:
            raise _bad(path, f"its {len(rows)} stars are not the {len(wanted)} of the data set in their order")


def _bad(path, what):
    return InputError(f"{path}: {what}; delete it, make it again: snakemake -c2 {path}, and go on")
