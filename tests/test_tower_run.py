"""The tower run as its user sees it: products, exact reruns, one set of families alone, a new family, a baseline."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from gravispec.data.features import feature_matrix
from gravispec.evaluation.metrics import scores
from gravispec.models import tower
from tests.conftest import REPO

pytestmark = pytest.mark.slow
TARGET = "results/tower_smoke/summary.csv"
REPORTS = {"tower_scores": 1, "tower_ablation": 1, "tower_figures": 1, "validate": 1, "tower_summary": 1}
FAMILY = {"feature": 3, "feature_table": 1}  # one job a shard
FEATURES = "results/features/smoke/noise_0.2/train_2400"


def test_the_run_is_complete_and_agrees_with_its_predictions(tower_smoke):
    run = tower_smoke.path / "results/tower_smoke"
    summary = pd.read_csv(run / "summary.csv").set_index(["model", "mode"])
    assert sorted(summary.index) == [(m, k) for m in ("F1F2", "F1F2F3F4", "ridge") for k in ("cross_fit", "in_sample")]
    assert (summary[["n_train", "n_val", "n_test"]] == [2400, 600, 600]).all(axis=None)
    assert summary["parameters"].dropna().unique().tolist() == [41_601, 49_025]
    for name in ("F1F2", "F1F2F3F4"):
        for mode in ("in_sample", "cross_fit"):
            table = pd.read_parquet(run / f"towers/{name}/noise_0.2/{mode}_predictions.parquet").query(
                "split == 'test'"
            )
            each = [scores(table["log_g"], table[f"seed_{seed}"])["r2"] for seed in (1, 2, 3)]
            assert summary.loc[(name, mode), "r2_test"] == pytest.approx(np.mean(each), rel=1e-6)
            assert summary.loc[(name, mode), "r2_test_std"] == pytest.approx(np.std(each, ddof=1), rel=1e-5)
    # a Ridge is the same on the test stars in both modes, and flatters itself on the training stars in one
    ridge = summary.loc["ridge"]
    assert ridge.loc["in_sample", "r2_test"] == pytest.approx(ridge.loc["cross_fit", "r2_test"], abs=1e-9)
    assert ridge.loc["in_sample", "r2_train"] > ridge.loc["cross_fit", "r2_train"] + 0.02
    assert set(pd.read_csv(run / "ablation.csv")["comparison"]) == {"F1F2 - ridge", "F1F2F3F4 - F1F2"}
    for figure in ("learning_curves", "predicted_vs_true"):
        assert (run / "figures" / f"{figure}.png").stat().st_size > 10_000
        assert (run / "figures" / f"{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_a_tower_and_its_feature_tables_give_its_predictions(tower_smoke):
    run = tower_smoke.path / "results/tower_smoke/towers/F1F2F3F4/noise_0.2"
    towers, header = tower.load(run / "cross_fit.safetensors")
    families = [about["family"] for about in header["families"]]
    assert families == ["pca", "ridge", "topk", "error"]
    assert header["curve"]["epoch"][0] == 1
    files = [tower_smoke.path / FEATURES / f"{f}{'_cross_fit' * (f == 'ridge')}.parquet" for f in families]
    tables = [pd.read_parquet(file) for file in files]
    features = np.hstack([feature_matrix(t, f) for t, f in zip(tables, families, strict=True)])
    predictions = pd.read_parquet(run / "cross_fit_predictions.parquet").set_index("star_id")
    for seed, trained in towers.items():
        expected = predictions[f"seed_{seed}"]
        found = pd.Series(trained.predict(features), index=tables[0]["star_id"])[expected.index]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_second_run_does_nothing_and_mixtures_are_as_before(tower_smoke):
    assert tower_smoke.planned(TARGET) == {}
    assert tower_smoke.planned("results/moe_smoke/summary.csv") == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gravispec/features/topk.py", {**FAMILY, "tower": 2, **REPORTS}),
        ("gravispec/features/error.py", {**FAMILY, "tower": 2, **REPORTS}),
        ("gravispec/features/ridge.py", {"feature": 6, "feature_table": 2, "tower": 4, **REPORTS, "tower_scores": 2}),
        ("gravispec/models/tower.py", {"tower": 4, **REPORTS, "tower_scores": 2}),
        ("gravispec/report/tower_figures.py", {"tower_figures": 1, "tower_summary": 1}),
    ],
)
def test_an_edit_reruns_its_family_and_what_reads_it(tower_smoke, edit, name, expected):
    edit(name, "\nEDITED = True\n")
    assert tower_smoke.planned(TARGET) == expected
    # tables of every kind of run are computed again by one script
    assert set(tower_smoke.planned("results/moe_smoke/summary.csv")) <= {"validate", "summary"}


def test_the_device_is_no_reason_to_run_again(tower_smoke, more):
    assert tower_smoke.planned(*more(device="cpu"), TARGET) == {}


def test_one_set_of_families_alone(tower_smoke):
    target = "results/tower_smoke/ablation_F1F2.json"
    planned = tower_smoke.planned("--forceall", target)
    assert planned["tower"] == 2
    assert (planned["feature"], planned["feature_table"]) == (9, 3)  # pca, ridge in both modes; three shards
    assert planned["tower_scores"] == 1


def test_the_new_family_of_the_page_on_towers_works_as_written_there(tower_smoke, more):
    section = (REPO / "docs/towers.md").read_text().split("## A new family")[1]
    source, line = re.findall(r"```(?:python|yaml)\n(.*?)```", section, re.S)[:2]
    module = tower_smoke.path / "gravispec/features/indices.py"
    towers = yaml.safe_load(line)
    assert list(towers) == ["F1F2_indices"]
    arguments = more(runs={"tower_smoke": {"towers": towers}})
    levels = towers["F1F2_indices"]["noise_levels"]
    assert levels == [0.2]
    try:
        module.write_text(source)
        planned = tower_smoke.planned(*arguments, TARGET)
        assert planned == {**FAMILY, "tower": 2, **REPORTS}
        process = tower_smoke.snakemake(*arguments, f"{FEATURES}/indices.parquet")
        assert process.returncode == 0, process.stdout[-3000:]
    finally:
        module.unlink(missing_ok=True)
    table = pd.read_parquet(tower_smoke.path / FEATURES / "indices.parquet")
    assert table.filter(like="indices_").notna().all(axis=None)
    stars = pd.read_parquet(tower_smoke.path / "results/spectra/smoke/stars.parquet")
    assert table["star_id"].equals(stars["star_id"])


def test_a_family_without_a_module_stops_with_one_line(tower_smoke, more):
    towers = {"mine": {"families": ["ridge", "indexes"], "noise_levels": [0.2]}}
    process = tower_smoke.snakemake(*more(runs={"tower_smoke": {"towers": towers}}), TARGET)
    assert process.returncode != 0
    assert "Traceback" not in process.stdout
    last = process.stdout.strip().splitlines()[-1]
    assert last.startswith("config: runs.tower_smoke.towers.mine.families")
    assert "'indexes': not defined" in last


def test_a_baseline_is_a_module_and_a_name_in_any_run(tower_smoke, more):
    source = '''"""The mean of the training stars."""
import numpy as np
class Mean:
    def __init__(self, value): self.value = value
    def predict(self, X): return np.full(len(X), self.value)
def fit(train, val, *, shift, seed):
    return Mean(np.concatenate([y for _, y in train]).mean() + shift)
'''
    module = tower_smoke.path / "gravispec/models/baselines/mean_of_training.py"
    named = {"mean": {"model": "mean_of_training", "options": {"shift": 0.0}}}
    arguments = more(baselines=named, runs={run: {"baselines": ["mean"]} for run in ("moe_smoke", "tower_smoke")})
    try:
        module.parent.mkdir(exist_ok=True)
        module.write_text(source)
        targets = [f"results/{run}/baselines.csv" for run in ("moe_smoke", "tower_smoke")]
        process = tower_smoke.snakemake(*arguments, *targets)
        assert process.returncode == 0, process.stdout[-3000:]
        assert tower_smoke.planned(*arguments, TARGET) == {"validate": 1, "tower_summary": 1}
    finally:
        module.unlink(missing_ok=True)
    for run in ("moe_smoke", "tower_smoke"):
        table = pd.read_csv(tower_smoke.path / f"results/{run}/baselines.csv")
        assert table["stars"].tolist() == ["covered", "all"]
        assert table["n_test"].iloc[1] == 600
        assert table["r2"].abs().max() < 0.02


def test_the_ridge_baseline_is_the_ridge_of_the_towers(tower_smoke, more):
    arguments = more(runs={"tower_smoke": {"baselines": ["ridge_cv", "metadata"]}})
    process = tower_smoke.snakemake(*arguments, "results/tower_smoke/baselines.csv")
    assert process.returncode == 0, process.stdout[-3000:]
    table = pd.read_csv(tower_smoke.path / "results/tower_smoke/baselines.csv").query("stars == 'all'")
    r2 = table.set_index("baseline")["r2"]
    summary = pd.read_csv(tower_smoke.path / TARGET).query("model == 'ridge'")
    np.testing.assert_allclose(summary["r2_test"], r2["ridge_cv"], atol=1e-6)
    assert r2["metadata"] < 0.05
