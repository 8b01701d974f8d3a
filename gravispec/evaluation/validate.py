"""Every table of a run checked before its summary: by its schema, its rows, and the stars of the data set."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.errors import SchemaErrors

from gravispec.data.schemas import SCHEMAS
from gravispec.errors import InputError
from gravispec.evaluation.tables import COVERED_MODELS, FULL_MODELS, PAIRS

#: tables that have every star of these splits, in the order of the table of stars
STARS_OF = {
    "features": ("train", "val", "test"),
    "expert_predictions": ("val", "test"),
    "predictions": ("val", "test"),
    "baseline_predictions": ("test",),
    "tower_predictions": ("test",),
    "sweep_predictions": ("test",),
}


def validate(tables, *, n_bins, n_towers, n_baselines, n_levels, resamples):
    """Check ``tables``, ``{name of a schema: paths}``, ``stars`` among them; returns ``{path: number of rows}``.

    Raises ``InputError`` at the first mistake, with the file, the row, what is wrong there and the remedy.
    """
    rows = {
        "bootstrap": len(PAIRS),
        "samples": resamples * (len(COVERED_MODELS) + len(FULL_MODELS)),
        "per_bin": n_bins * len(COVERED_MODELS),
        "ablation": n_towers,
        "baselines": 2 * n_baselines,
        "sweep_samples": n_levels * resamples,
    }
    found = {}
    stars = read(tables["stars"][0])
    for name, paths in tables.items():
        for path in paths:
            table = read(path)
            check(name, path, table)
            if len(table) != rows.get(name, len(table)):
                raise _bad(path, f"{len(table)} rows, {rows[name]} expected")
            if name in STARS_OF:
                _check_stars(path, table, stars, STARS_OF[name])
            found[path] = len(table)
    return found


def read(path):
    """A table, CSV or parquet with its page checksums."""
    try:
        if Path(path).suffix == ".csv":
            return pd.read_csv(path)
        return pd.read_parquet(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _bad(path, f"cannot be read ({' '.join(str(error).split())})") from None


def check(name, path, table):
    """Check a table by the schema ``name``, and that every number is finite."""
    schema = SCHEMAS[name]
    numbers = table.select_dtypes("number").astype(float)
    missing = numbers.isna() & numbers.columns.isin(schema.metadata["may_be_empty"])
    bad = np.argwhere(~np.isfinite(numbers.to_numpy()) & ~missing.to_numpy())
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
        elif case["check"] == "column_in_dataframe":
            what = f"no column {case['failure_case']}"
        elif case["check"] == "multiple_fields_uniqueness":
            what = f"{row}{', '.join(schema.unique)}: the same as in another row"
        else:
            what = f"{row}expected {case['check']}"
        raise _bad(path, what) from None


def _check_stars(path, table, stars, splits):
    wanted = stars.loc[stars["split"].isin(splits), "star_id"].tolist()
    for _, rows in table.groupby("noise_level") if "noise_level" in table else [(None, table)]:
        if "split" in rows:
            rows = rows[rows["split"].isin(splits)]
        if rows["star_id"].tolist() != wanted:
            raise _bad(path, f"its {len(rows)} stars are not the {len(wanted)} of the data set in their order")


def _bad(path, what):
    return InputError(f"{path}: {what}; delete it, make it again: snakemake -c2 {path}, and go on")
