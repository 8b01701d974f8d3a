"""Tampered tables: whatever is changed in a table that others give is named by file, row and column."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

from gravispec.data.schemas import SCHEMAS, SHARES
from gravispec.errors import InputError
from gravispec.evaluation.recompute import RECIPES, flat
from gravispec.evaluation.validate import check, compare, read, validate
from gravispec.models import model
from gravispec.models.mixture import Mixture
from gravispec.plugins.models import plugin as model_plugin
from tests.small_tables import small_tables

NAMES = list(RECIPES)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run, and in ``again`` its tables as its recipes make them."""
    torch.manual_seed(5)
    made = small_tables(tmp_path_factory.mktemp("run"))
    made.again = {name: list(recipe(made)) for name, recipe in RECIPES.items()}
    return made


def tampered(table, columns):
    """``(what, table)``: values moved (numbers by 1e-3), lost, filled in, swapped; rows lost, doubled; a new column."""
    row = min(2, len(table) - 1)
    for column in columns:
        moved, values = table.copy(), table[column]
        known = values.notna().to_numpy()
        if not known.all():
            filled = table.copy()
            filled.loc[int(np.argmin(known)), column] = 0.5
            yield f"{column} filled", filled
        if not known.any():
            continue
        at = int(np.flatnonzero(known)[min(row, known.sum() - 1)])
        if values.dtype == bool:
            moved.loc[at, column] = not values[at]
        elif values.dtype.kind == "f":
            moved.loc[at, column] = values[at] + 1e-3 * max(1, abs(values[at]))
        elif values.dtype.kind in "iu":
            moved.loc[at, column] = values[at] + 1
        else:
            moved.loc[at, column] = "another"
        yield f"{column} moved", moved
        lost = table.astype({column: object})
        lost.loc[at, column] = np.nan
        yield f"{column} lost", lost.astype({column: float}) if values.dtype.kind in "fiu" else lost
        other = int(np.argmax((values != values[at]).to_numpy()))
        if values[other] != values[at] and known[other]:
            swapped = table.copy()
            swapped.loc[[at, other], column] = values[[other, at]].to_numpy()
            yield f"{column} swapped", swapped
    yield "a row lost", table.drop(row).reset_index(drop=True)
    yield "a row doubled", pd.concat([table, table[row : row + 1]], ignore_index=True)
    yield "the first row lost", table[1:].reset_index(drop=True)
    yield "a column more", table.assign(mine=1.0)


def not_named(name, path, table, again, columns):
    """What of ``tampered`` is not named; a table may be empty, as that of posteriors where no model gives any."""
    if table.empty:
        return []
    passed = []
    given = SCHEMAS[name].metadata["given"]
    for what, wrong in tampered(table, [column for column in columns if column not in given]):
        try:
            check(name, path, wrong)
            compare(name, path, wrong, again)
            passed.append(what)
        except InputError as mistake:
            if not str(mistake).startswith(f"{path}: ") or "\n" in str(mistake):
                passed.append(f"{what}: {mistake}")
    return passed


@pytest.mark.parametrize("name", NAMES)
def test_what_is_changed_in_a_table_is_named(run, name):
    for path, again in list(zip(run.paths[name], run.again[name], strict=True))[::3]:
        table = read(path).reset_index(drop=True)
        check(name, path, table)
        compare(name, path, table, again)
        some = again.columns[:: 1 + len(again.columns) // 7]
        assert not_named(name, path, table, again, some) == []


def test_a_whole_run_is_checked_in_the_order_in_which_it_was_made(run):
    rows = validate(run.paths, run.settings)
    assert set(rows) == {path for paths in run.paths.values() for path in paths}
    assert rows[run.paths["stars"][0]] == 560
    path = run.paths["model_predictions"][2]  # of the gate: what it spoils is made again after it
    before = path.read_bytes()
    table = read(path)
    table.loc[7, "log_g"] += 1e-3
    table.to_parquet(path)
    try:
        with pytest.raises(InputError, match=rf"^{path}: row 7, log_g = \S+: \S+ when it is computed again; delete it"):
            validate(run.paths, run.settings)
    finally:
        path.write_bytes(before)


def test_predictions_of_slow_models_are_taken_as_they_are(run, monkeypatch):
    plugin = model_plugin("tower")
    slow = plugin._replace(declares=plugin.declares | {"slow"})
    monkeypatch.setattr("gravispec.evaluation.recompute.plugin", lambda name: slow if name == "tower" else plugin)
    (*_, tower) = RECIPES["model_predictions"](run)
    assert tower is run.all("model_predictions")[-1]


def test_every_column_is_computed_again_or_says_why_not():
    for name, schema in SCHEMAS.items():
        given = schema.metadata["given"]
        assert name in RECIPES or "*" in given, name
        assert all(len(reason) > 10 for reason in given.values())
        assert all(len(empty.reason) > 10 for empty in schema.metadata["empty"].values())


FEW = r"fewer than 10 stars in the bin"


@pytest.mark.parametrize(
    ("name", "query", "column", "message"),
    [
        ("predictions", "noise_level == 0.5", "gate", "empty only where the model is not in the cell"),
        ("predictions", "noise_level == 0.5", "T_eff", "a finite number is needed"),
        ("per_bin", "n_test > 9", "r2", f"empty only where {FEW}"),
        ("per_bin", "n_test > 9 and model == 'gate'", "ci_low", f"empty only where {FEW}, or no other model"),
        ("by_snr", "n_test > 9", "r2", f"empty only where {FEW}"),
        ("residuals", "n_test > 9", "scatter", "a finite number is needed"),
        ("residuals", "n_test > 9", "bias_ci_low", "a finite number is needed"),
        ("giants_dwarfs", "n_test > 9", "contamination", "empty only where no star to take a share of"),
        ("training_curves", "model == 'tower'", "stop", "empty only where its fit writes none"),
    ],
)
def test_a_number_is_missing_only_for_the_reason_in_the_schema(run, name, query, column, message):
    path = run.paths[name][0]
    table = read(path)
    row = table.query(query).index[0]
    assert table[column].notna()[row]
    table.loc[row, column] = np.nan
    named = rf"row {row}, {column} = nan: {message}.*; delete it, make it again: snakemake -c2 "
    with pytest.raises(InputError, match=named):
        check(name, path, table)


def test_a_number_is_missing_where_the_schema_says_so(run):
    path = run.paths["per_bin"][0]
    few = int(np.argmax((read(path)["n_test"] < 10).to_numpy()))
    for column in ("r2", "delta_r2_vs_ridge", "ci_high"):
        table = read(path)
        table.loc[few, column] = 0.0
        with pytest.raises(InputError, match=rf"row {few}, {column} = 0\.0: to be empty: {FEW}"):
            check("per_bin", path, table)


def test_a_number_in_json_is_named_by_its_keys(run):
    path = run.paths["calibrations"][0]
    found = json.loads(path.read_text())
    found["models"]["gate"]["intervals"]["half_width"][0][1][0] *= 1.001
    where = re.escape("row models.gate.intervals.half_width.0.1.0, value = ")
    with pytest.raises(InputError, match=where + r"\S+: \S+ when it is computed again"):
        compare("calibrations", path, flat(found), run.again["calibrations"][0])
    for damaged in ("{}", "[", '{"a": null}'):
        path = path.with_name("damaged.json")
        path.write_text(damaged)
        with pytest.raises(InputError, match=f"^{path}: "):
            check("calibrations", path, read(path))


def test_only_a_users_star_has_no_magnitude():
    labels = {"T_eff": 5000.0, "log_g": 3.0, "M_H": 0.0, "a_M": 0.0, "C_M": 0.0, "snr": 9.0, "mag": [20.0, np.nan]}
    stars = pd.DataFrame({"star_id": ["a", "b"], "split": "test", **labels})
    with pytest.raises(InputError, match="row 1, mag = nan: empty only where the user's file has none"):
        check("stars", "s", stars)
    check("stars", "s", stars.assign(redshift=[np.nan, 0.1]))


def test_a_loaded_mixture_weights_as_before(run, tmp_path):
    fit = run.settings["fits"][2]
    gate = model.load(fit["model"])
    assert isinstance(gate, Mixture)
    features = np.random.default_rng(1).normal(size=(9, 4))
    assert not np.allclose(gate.gate.mean, gate.gate.scale)
    model.save(gate, tmp_path / "again.safetensors")
    again = model.load(tmp_path / "again.safetensors")
    np.testing.assert_array_equal(again.gate.weights(features), gate.gate.weights(features))


def stress():
    table = pd.DataFrame({"noise_level": 0.2, "model": "m", "stress": ["none", "a", "b"], "what": "x", "n_test": 200})
    values = {"bias": [0.1, 0.3], "scatter": [0.5, 0.6], "r2": [0.6, 0.4], "coverage95": [0.9, 0.8]}
    for statistic, of_rows in values.items():
        table[statistic] = [*of_rows, np.nan]
        change = table[statistic] - of_rows[0]
        table[f"{statistic}_change"], table[f"{statistic}_ci_low"] = change, change - 0.1
        table[f"{statistic}_ci_high"] = change + 0.1
    table = table.assign(
        **{share: [0.01, 1.0, np.nan] for share in SHARES}, coverage95_unflagged=[0.93, np.nan, np.nan]
    )
    table["not_done"] = [np.nan, np.nan, "no resolution is known"]
    other = table.assign(model="n", bias=table["bias"] + 1)
    return pd.concat([table, other], ignore_index=True)


@pytest.mark.parametrize("column", ["bias", "scatter", "r2_change", "coverage95", "slope"])
@pytest.mark.parametrize("row", [0, 1, 4])
def test_stress_is_consistent_in_itself(row, column):
    check("stress", "s", stress())
    table = stress()
    table.loc[row, column] -= 1e-3
    with pytest.raises(InputError, match="expected changes against the row none"):
        check("stress", "s", table)
    table.loc[row, column] = np.nan
    with pytest.raises(InputError, match=f"row {row}, {column} = nan: empty only where the stress was not done"):
        check("stress", "s", table)


def test_stress_has_the_spectra_as_they_are():
    with pytest.raises(InputError, match="expected changes against the row none"):
        check("stress", "s", stress().drop(3))
