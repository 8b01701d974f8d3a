"""The last look at the tables of a run: each mistake is named by file, row and column, and no summary is written."""

import contextlib
import json

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

RUN, TRAINED = "results/moe_smoke", "results/features/smoke/noise_0.2/train_2400"
TABLES = {
    "stars": ["results/spectra/smoke/stars.parquet"],
    "features": [f"{TRAINED}/window.parquet", f"{TRAINED}/quality.parquet"],
    "expert_predictions": [f"{RUN}/experts/predictions.parquet"],
    "predictions": [f"{RUN}/predictions.parquet"],
    "gate_curves": [f"{RUN}/gates/mlp_curve.csv", f"{RUN}/gates/linear_curve.csv"],
    "samples": [f"{RUN}/bootstrap_samples.parquet"],
    **{name: [f"{RUN}/{name}.csv"] for name in ("bootstrap", "per_bin", "hypotheses", "calibration", "residuals")},
    **{name: [f"{RUN}/{name}.csv"] for name in ("giants_dwarfs", "stress")},
}
FILES = {
    "flux": [f"results/noisy/smoke/noise_0.2/{split}_0.npy" for split in ("train", "val", "test")],
    "experts": [f"{RUN}/experts/{k}.npz" for k in range(9)],
    "global_ridge": [f"{TRAINED}/ridge.npz"],
    "gates": [f"{RUN}/gates/{kind}.safetensors" for kind in ("classify", "mlp", "linear")],
    "intervals": [f"{RUN}/calibration.json"],
}


def about(config):
    """What the rule gives its script for this run."""
    edges = {"T_eff_edges": config.bins.T_eff, "M_H_edges": config.bins.M_H}
    dataset = config.datasets["smoke"].model_dump()
    return {
        "seed": config.seed,
        "resamples": config.evaluation.resamples,
        "confidence": config.evaluation.confidence,
        "bin_names": config.bins.names(),
        "data": {"n_train": 2400, "edges": edges, "fit": config.gates.fit, "stop": config.gates.stop},
        "fallback_weight": config.gates.fallback_weight,
        "labels": dataset["labels"],
        "n_stars": dataset["n_stars"],
        "axes": list(config.grids["smoke"].axes.given()),
    }


def predictions(n=6):
    """A table of predictions that is as it has to be."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "star_id": [f"test_{i}" for i in range(n)],
            "split": "test",
            "T_eff": 5000.0,
            "log_g": rng.uniform(1, 5, n),
            "M_H": -0.5,
            "a_M": 0.0,
            "C_M": 0.0,
            "mag": np.nan,
            "bin": 4,
            **dict.fromkeys(("global_ridge", "hard", "classify", "linear", "mlp", "mlp_fallback"), 3.0),
            "oracle": [np.nan, *[3.0] * (n - 1)],
            **{f"w_{gate}_{k}": 0.5 for gate in ("classify", "mlp", "linear") for k in range(2)},
            "uncovered": [True, *[False] * (n - 1)],
            "edge": False,
        }
    )
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
        ("mlp", np.nan, "row 3, mlp = nan: a finite number is needed"),
        ("a_M", np.nan, "row 3, a_M = nan: a finite number is needed"),
        ("mag", np.inf, "row 3, mag = inf: a finite number is needed"),
        ("oracle", np.nan, "row 3, oracle = nan: empty only where the star is in no bin"),
        ("uncovered", True, r"row 3, oracle = 3\.0: to be empty: the star is in no bin"),
        ("w_mlp_0", 0.6, "row 3, expected the weights of a gate to add up to 1"),
        ("star_id", "test_1", "row [13], star_id: the same as in another row"),
    ],
)
def test_a_mistake_in_one_row_is_named(column, value, message):
    table = predictions()
    table.loc[3, column] = value
    with pytest.raises(InputError, match=message):
        check("predictions", "p", table)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="p: no column oracle"):
        check("predictions", "p", predictions().drop(columns="oracle"))


def test_an_interval_upside_down_is_named():
    table = pd.DataFrame(
        {"comparison": ["a - b", "c - b"], "n_test": 9, "delta_r2": 0.1, "fraction_positive": 1.0, "resamples": 100}
    ).assign(ci_low=[0.0, 0.2], ci_high=0.1)
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


@pytest.mark.slow
def test_the_run_is_valid_and_a_damaged_table_stops_its_summary(smoke):
    found = json.loads(smoke.read(f"{RUN}/validated.json"))
    assert found["rows"][TABLES["stars"][0]] == 3600
    assert {path for paths in TABLES.values() for path in paths} == set(found["rows"])
    assert {*found["rows"], *(path for paths in FILES.values() for path in paths)} <= set(found["bytes"])
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
        path.write_bytes(before)


@pytest.mark.slow
def test_what_is_changed_in_a_table_of_the_run_is_named(smoke):
    settings = about(load(yaml.safe_load(smoke.read("config/config.yaml"))))
    with contextlib.chdir(smoke.path):
        run = Tables(TABLES, FILES, settings, read)
        for name in RECIPES.keys() & TABLES.keys():
            for path, table, again in zip(TABLES[name], run.all(name), RECIPES[name](run), strict=True):
                compare(name, path, table, again)
                some = again.columns[:: 1 + len(again.columns) // 12]  # tests/test_recompute.py takes every column
                assert not_named(name, path, table, again[some]) == [], name


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
    settings = about(load(yaml.safe_load(smoke.read("config/config.yaml"))))
    with contextlib.chdir(smoke.path):
        path = tmp_path / TABLES[name][0].rsplit("/", 1)[1]
        table = read(TABLES[name][0])
        table.loc[row, column] += change
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        with pytest.raises(InputError, match=message):
            validate(TABLES | {name: [str(path)]}, FILES, settings)
