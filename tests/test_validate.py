"""The last look at the tables of a run: each mistake is named by file, row and column, and no summary is written."""

import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from gravispec.config import load
from gravispec.data.stamp import stamp, stamped
from gravispec.errors import InputError
from gravispec.evaluation.recompute import RECIPES, Tables
from gravispec.evaluation.validate import check, check_tables, compare, read, validate
from tests.test_recompute import not_named
from workflow.plan import Plan
from workflow.plan_runs import Runs
from workflow.plan_tables import RunTables

RUN = "results/moe_smoke"


def plan_of(checkout, run="moe_smoke"):
    """``(tables, about)`` that the rule gives its script for a run."""
    tables = RunTables(Runs(Plan(load(yaml.safe_load(checkout.read("config/config.yaml"))))))
    wildcards = SimpleNamespace(run=run)
    return tables.paths(wildcards), tables.settings_behind(wildcards)


def predictions(n=6):
    """A table of predictions that is as it has to be: of two models, the second for stars inside the bins alone."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {"noise_level": 0.2, "n_train": 9, "star_id": [f"test_{i}" for i in range(n)], "split": "test"}
    )
    table = table.assign(part="test", T_eff=5000.0, log_g=rng.uniform(1, 5, n), M_H=-0.5, a_M=0.0, C_M=0.0, mag=np.nan)
    table = table.assign(snr=9.0, bin=4, snr_measured=9.0, chi2=1.0, mlp=3.0, oracle=[np.nan, *[3.0] * (n - 1)])
    table = table.assign(uncovered=[True, *[False] * (n - 1)], edge=False)
    check("predictions", "p", table)
    return table


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "log_g",
            99.0,
            r"^p: row 3, log_g = 99\.0: expected in_range\(-3, 10\); delete it, make it again: snakemake",
        ),
        ("split", "tset", "row 3, split = tset"),
        ("mlp", np.inf, "row 3, mlp = inf: a finite number is needed"),
        ("mlp", np.nan, "row 3, mlp = nan: empty only where the model is not in the cell"),
        ("a_M", np.nan, "row 3, a_M = nan: a finite number is needed"),
        ("mag", np.inf, "row 3, mag = inf: a finite number is needed"),
        ("oracle", np.nan, "row 3, oracle = nan: empty only where the model is not in the cell, or predicts only"),
        ("uncovered", True, "row 0, oracle = nan: empty only where the model is not in the cell, or predicts only"),
        ("part", "gate_fit", "row 3, part = gate_fit"),
        ("star_id", "test_1", "row [13], noise_level, n_train, star_id: the same as in another row"),
    ],
)
def test_a_mistake_in_one_row_is_named(column, value, message):
    table = predictions()
    table.loc[3, column] = value
    with pytest.raises(InputError, match=message):
        check("predictions", "p", table)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="p: no column chi2"):
        check("predictions", "p", predictions().drop(columns="chi2"))


def test_an_interval_upside_down_is_named():
    table = pd.DataFrame(
        {"comparison": ["a - b", "c - b"], "n_test": 9, "delta_r2": 0.1, "fraction_positive": 1.0, "resamples": 100}
    ).assign(ci_low=[0.0, 0.2], ci_high=0.1, noise_level=0.2, n_train=9, stars="all")
    with pytest.raises(InputError, match="row 1, expected ci_low ≤ ci_high"):
        check("bootstrap", "b", table)


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_parquet_file_is_named(tmp_path, damage):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": np.arange(5000.0)}).to_parquet(path, compression=None)
    with stamped({"rule": "r"}):
        stamp(path)
    content = bytearray(path.read_bytes())
    assert read(path)["x"].sum() == 4999 * 2500
    if damage == "cut":
        del content[-100:]
    else:
        content[len(content) // 4] ^= 1  # one bit of a number; without page checksums it is read as another number
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.parquet: cannot be read"):
        read(path)


def test_other_stars_are_named(tmp_path):
    stars = pd.DataFrame({"star_id": [f"test_{i}" for i in range(6)], "split": "test", "T_eff": 5000.0, "log_g": 3.0})
    stars.assign(M_H=0.0, a_M=0.0, C_M=0.0, snr=9.0).to_parquet(tmp_path / "stars.parquet")
    predictions().to_parquet(tmp_path / "p.parquet")
    tables = {"stars": [tmp_path / "stars.parquet"], "predictions": [tmp_path / "p.parquet"]}
    assert list(check_tables(tables).values()) == [6, 6]
    for wrong in (predictions()[:5], predictions()[::-1]):
        wrong.to_parquet(tmp_path / "p.parquet", index=False)
        with pytest.raises(InputError, match="are not the 6 of the data set in their order"):
            check_tables(tables)


@pytest.mark.parametrize(("weights", "passes"), [([0.4, 0.6], True), ([0.4, 0.7], False), ([0.4, np.nan], False)])
def test_the_weights_of_a_mixture_add_up(weights, passes):
    table = pd.DataFrame({"star_id": ["a"], "split": "val", "log_g": 3.0, "T_eff": 5000.0, "M_H": 0.0})
    check("model_predictions", "m", table)
    table = table.assign(w_0=weights[0], w_1=weights[1])
    with contextlib.nullcontext() if passes else pytest.raises(InputError, match=r"^m: row 0, "):
        check("model_predictions", "m", table)


@pytest.mark.slow
def test_the_run_is_valid_and_a_damaged_table_stops_its_summary(smoke):
    found = json.loads(smoke.read(f"{RUN}/validated.json"))
    tables, about = plan_of(smoke)
    assert found["rows"][tables["stars"][0]] == 3600
    assert {path for paths in tables.values() for path in paths} == set(found["rows"])
    behind = [fit["model"] for fit in about["fits"]] + about["experts"][0]["experts"] + about["experts"][0]["flux"]
    assert {*found["rows"], *behind} <= set(found["bytes"])
    assert all((smoke.path / name).stat().st_size == size for name, size in found["bytes"].items())
    path = smoke.path / f"{RUN}/bootstrap.csv"
    before = path.read_bytes()
    table = pd.read_csv(path)
    table.loc[2, "ci_low"] = np.nan
    try:
        table.to_csv(path, index=False)
        process = smoke.snakemake(f"{RUN}/validated.json")
        assert process.returncode != 0
        assert (
            f"error: {RUN}/bootstrap.csv: row 2, ci_low = nan: a finite number is needed; delete it" in process.stdout
        )
        assert not (smoke.path / f"{RUN}/validated.json").exists()
        path.unlink()  # what the message says
        for target in (f"{RUN}/bootstrap.csv", f"{RUN}/validated.json", f"{RUN}/summary.csv"):
            process = smoke.snakemake(target)
            assert process.returncode == 0, process.stdout[-3000:]
        assert path.read_bytes() == before
        assert smoke.planned(f"{RUN}/summary.csv") == {}
    finally:
        if not path.exists() or path.read_bytes() != before:  # a newer file would be drawn again
            path.write_bytes(before)


@pytest.mark.slow
def test_what_is_changed_in_a_table_of_the_run_is_named(smoke):
    tables, about = plan_of(smoke)
    with contextlib.chdir(smoke.path):
        run = Tables(tables, about, read)
        for name in RECIPES:
            for path, table, again in list(zip(tables[name], run.all(name), RECIPES[name](run), strict=True))[::3]:
                compare(name, path, table, again)
                some = again.columns[:: 1 + len(again.columns) // 3]  # tests/test_recompute.py takes more
                assert not_named(name, path, table.reset_index(drop=True), again, some) == [], name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row", "column", "change", "message"),
    [
        ("per_bin", 0, "r2", np.nan, "per_bin.csv: row 0, r2 = nan: empty only where fewer than 10 stars in the bin"),
        ("bootstrap", 1, "delta_r2", 1e-3, r"bootstrap.csv: row 1, delta_r2 = \S+: \S+ when it is computed again"),
        ("predictions", 700, "mlp", 1e-3, r"predictions.parquet: row 700, mlp = \S+: \S+ when it is computed again"),
    ],
)
def test_the_whole_check_names_one_tampered_number(smoke, tmp_path, name, row, column, change, message):
    tables, about = plan_of(smoke)
    with contextlib.chdir(smoke.path):
        path = tmp_path / tables[name][0].rsplit("/", 1)[1]
        table = read(tables[name][0])
        table.loc[row, column] += change
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        with pytest.raises(InputError, match=message):
            validate(tables | {name: [str(path)]}, about)
