"""Tampered tables: whatever is changed in a table that others give is named by file, row and column."""

import json

import numpy as np
import pandas as pd
import pytest

from gravispec.data.features import write_features
from gravispec.data.schemas import SCHEMAS
from gravispec.errors import InputError
from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.recompute import RECIPES, Tables
from gravispec.evaluation.sweep import level_tables, stacked, sweep_levels
from gravispec.evaluation.validate import check, compare, read
from gravispec.models.tower import GlobalFeatureMLP, save

ABOUT = {
    "resamples": 40,
    "confidence": 0.95,
    "seed": 3,
    "run": "r",
    "n_train": 90,
    "bin_names": ["a", "b", "c", "none"],
    "edges": {"T_eff_edges": [4000, 4500, 5000, 5500], "M_H_edges": [-2, 0]},
    "baselines": [{"baseline": "metadata", "level": 0.2}, {"baseline": "metadata", "level": 0.5}],
    "baseline_names": ["metadata"],
    "levels": [0.2, 0.5],
    "towers": [
        {"tower": "F1", "families": ["ridge"], "noise_level": 0.2, "mode": "in_sample"},
        {"tower": "F1F2", "families": ["ridge", "pca"], "noise_level": 0.2, "mode": "in_sample"},
    ],
}
#: in the order in which one is made from those before
NAMES = [
    "baseline_predictions",
    "tower_predictions",
    "samples",
    "bootstrap",
    "per_bin",
    "hypotheses",
    "calibration",
    "residuals",
]
NAMES += ["giants_dwarfs", "baselines", "tower_curves", "ablation"]
NAMES += ["sweep_predictions", "sweep_samples", "differences", "by_snr"]


def predictions(rng, n=300):
    """Validation and test stars with what the tables are made of; bin 2 has few test stars, bin 3 none."""
    log_g, part = rng.uniform(1, 5, n), np.repeat(["gate_fit", "calibration", "test"], n // 3)
    bins = rng.choice([0, 1], n)
    bins[:20], bins[-9:] = -1, 2
    bins[-29:-19] = -1
    table = pd.DataFrame({"star_id": [f"s_{i}" for i in range(n)], "split": np.where(part == "test", "test", "val")})
    table = table.assign(part=part, log_g=log_g, T_eff=4250.0 + 500 * bins, M_H=rng.uniform(-1.9, -0.1, n), bin=bins)
    table = table.assign(snr=rng.uniform(2, 30, n), snr_measured=rng.uniform(2, 30, n), uncovered=bins < 0)
    for model in ("oracle", "global_ridge", "hard", "classify", "linear", "mlp", "mlp_fallback"):
        table[model] = log_g + rng.normal(0, 0.4, n)
    for model in ("global_ridge", "classify"):
        table[f"T_eff_{model}"] = table["T_eff"] + rng.normal(0, 90, n)
        table[f"M_H_{model}"] = table["M_H"] + rng.normal(0, 0.2, n)
    return table


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run of every kind at once: the files that tables are computed from, and these tables, all right."""
    rng, folder = np.random.default_rng(8), tmp_path_factory.mktemp("run")
    table = predictions(rng)
    test = table[table["split"] == "test"]
    baselines = [test[["star_id", "log_g", "snr"]].assign(predicted=rng.uniform(1, 5, len(test))) for _ in range(2)]
    features = {"ridge": table[["global_ridge"]], "pca": table[["snr", "M_H"]]}
    families = {family: folder / f"{family}.parquet" for family in features}
    for family, values in features.items():
        names = list(values)
        write_features(families[family], table, values, family=family, names=names, definition="", unit="")
    about = {**ABOUT, "features": [{"ridge": families["ridge"]}, families]}
    curve = {"seed": [0, 0, 1], "epoch": [1, 2, 1], "train_l1": [0.5, 0.4, 0.3], "val_l1": [0.6, 0.5, 0.4]}
    for k, dim in enumerate((1, 3)):
        trained = {
            seed: GlobalFeatureMLP(np.zeros(dim), np.ones(dim), 0, hidden=[4, 2], dropout=0.0) for seed in (0, 1)
        }
        for one in trained.values():
            one.eval()
        save(trained, {"curve": curve, "n_train": 0, "n_val": 200}, folder / f"tower_{k}.safetensors")
    (folder / "calibration.json").write_text(json.dumps(calibration(table)))

    tables = {"stars": [table], "predictions": [table], "baseline_predictions": baselines}
    paths = {name: [folder / f"{name}_{k}.parquet" for k in range(len(of))] for name, of in tables.items()}
    files = {"towers": [folder / f"tower_{k}.safetensors" for k in range(2)]}
    files |= {"intervals": [folder / "calibration.json"], "mixtures": paths["predictions"] * 2}
    for name, of in tables.items():
        for path, one in zip(paths[name], of, strict=True):
            one.to_parquet(path, index=False)
    made = Tables(paths, files, about, read)
    paths["tower_predictions"] = [folder / f"tower_predictions_{k}.parquet" for k in range(2)]
    sweep_files = {**files, "towers": paths["tower_predictions"]}
    for name in NAMES:
        made.files = sweep_files if name == "sweep_predictions" else files
        suffix = "parquet" if "samples" in name or "predictions" in name else "csv"
        paths.setdefault(name, [folder / f"{name}_{k}.{suffix}" for k in range(2 if name == "tower_curves" else 1)])
        if name not in tables:
            for path, one in zip(paths[name], RECIPES[name](made), strict=True):
                one.to_parquet(path) if suffix == "parquet" else one.to_csv(path, index=False, float_format="%.8g")
    made.again = {}
    for name in NAMES:
        made.files = sweep_files if name == "sweep_predictions" else files
        made.again[name] = list(RECIPES[name](made))
    return made


def tampered(table, columns):
    """``(what, table)``: values moved (numbers by 1e-3), lost, filled in, swapped; rows lost, doubled; a new column."""
    row = min(2, len(table) - 1)
    for column in columns:
        moved, values = table.copy(), table[column]
        known = values.notna().to_numpy()
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
        if not known.all():
            filled = table.copy()
            filled.loc[int(np.argmin(known)), column] = 0.5
            yield f"{column} filled", filled
        other = int(np.argmax((values != values[at]).to_numpy()))
        if values[other] != values[at] and known[other]:
            swapped = table.copy()
            swapped.loc[[at, other], column] = values[[other, at]].to_numpy()
            yield f"{column} swapped", swapped
    yield "a row lost", table.drop(row).reset_index(drop=True)
    yield "a row doubled", pd.concat([table, table[row : row + 1]], ignore_index=True)
    yield "the first row lost", table[1:].reset_index(drop=True)
    yield "a column more", table.assign(mine=1.0)


def not_named(name, path, table, again):
    """What of ``tampered`` is not named."""
    passed = []
    given = SCHEMAS[name].metadata["given"]
    for what, wrong in tampered(table, [column for column in again if column not in given]):
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
    for path, table, again in zip(
        run.paths[name], [read(path) for path in run.paths[name]], run.again[name], strict=True
    ):
        check(name, path, table)
        compare(name, path, table, again)
        assert not_named(name, path, table, again) == []


def test_every_column_is_computed_again_or_says_why_not():
    for name, schema in SCHEMAS.items():
        given = schema.metadata["given"]
        assert name in RECIPES or "*" in given, name
        assert all(len(reason) > 10 for reason in given.values())
        assert all(len(empty.reason) > 10 for empty in schema.metadata["empty"].values())


@pytest.mark.parametrize(
    ("name", "row", "column", "message"),
    [
        ("per_bin", 0, "r2", r"row 0, r2 = nan: empty only where fewer than 10 stars in the bin"),
        ("per_bin", 0, "ci_low", r"row 0, ci_low = nan: empty only where fewer than 10 stars .* classify gate itself"),
        ("residuals", 0, "scatter", r"row 0, scatter = nan: a finite number is needed"),
        (
            "giants_dwarfs",
            1,
            "contamination",
            r"row 1, contamination = nan: empty only where no star to take a share of",
        ),
        ("by_snr", 8, "r2", r"row 8, r2 = nan: empty only where fewer than 10 stars in the bin"),
    ],
)
def test_a_number_is_missing_only_for_the_reason_in_the_schema(run, name, row, column, message):
    path = run.paths[name][0]
    table = read(path)
    assert table[column].notna()[row]
    table.loc[row, column] = np.nan
    with pytest.raises(InputError, match=message + "; delete it, make it again: snakemake -c2 "):
        check(name, path, table)
    if name == "per_bin":
        few = int(np.argmax((table["n_test"] < 10).to_numpy()))
        table.loc[[row, few], [column]] = 0.0
        with pytest.raises(InputError, match=rf"row {few}, {column} = 0\.0: to be empty: fewer than 10 stars"):
            check(name, path, table)


def test_only_a_users_star_has_no_magnitude():
    labels = {"T_eff": 5000.0, "log_g": 3.0, "M_H": 0.0, "a_M": 0.0, "C_M": 0.0, "snr": 9.0, "mag": [20.0, np.nan]}
    stars = pd.DataFrame({"star_id": ["a", "b"], "split": "test", **labels})
    with pytest.raises(InputError, match="row 1, mag = nan: empty only where the user's file has none"):
        check("stars", "s", stars)
    check("stars", "s", stars.assign(redshift=[np.nan, 0.1]))


def stress():
    table = pd.DataFrame({"stress": ["none", "a", "b"], "what": "x", "n_test": 200})
    for statistic, values in {
        "bias": [0.1, 0.3],
        "scatter": [0.5, 0.6],
        "r2": [0.6, 0.4],
        "coverage95": [0.9, 0.8],
    }.items():
        table[statistic] = [*values, np.nan]
        change = table[statistic] - values[0]
        table[f"{statistic}_change"], table[f"{statistic}_ci_low"] = change, change - 0.1
        table[f"{statistic}_ci_high"] = change + 0.1
    return table.assign(unlike_training=[0.01, 0.02, np.nan], not_done=[np.nan, np.nan, "no resolution is known"])


@pytest.mark.parametrize("column", ["bias", "scatter", "r2_change", "coverage95", "unlike_training"])
@pytest.mark.parametrize("row", [0, 1])
def test_stress_is_consistent_in_itself(row, column):
    check("stress", "s", stress())
    table = stress()
    table.loc[row, column] += 1e-3
    with pytest.raises(InputError, match="expected changes against the row none"):
        check("stress", "s", table)
    table.loc[row, column] = np.nan
    with pytest.raises(InputError, match=f"row {row}, {column} = nan: empty only where the stress was not done"):
        check("stress", "s", table)


def test_a_sweep_is_that_of_its_runs(run):
    tables = {}
    mixture, towers, baselines = run.one("predictions"), run.all("tower_predictions"), run.all("baseline_predictions")
    for k, level in enumerate(ABOUT["levels"]):
        at_level = level_tables(mixture, towers[k], {"metadata": baselines[k]})
        tables |= {(level, model): table for model, table in at_level.items()}
    pd.testing.assert_frame_equal(run.again["sweep_predictions"][0], stacked(sweep_levels(tables)))
