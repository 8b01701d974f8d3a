"""A benchmark over noise levels and a comparison with a baseline, as their user sees them."""

import pandas as pd
import pytest

from gravispec.evaluation.metrics import scores

pytestmark = pytest.mark.slow
SUMMARY, COMPARISON = "results/benchmark_smoke/summary.csv", "results/comparison/smoke_lightgbm.csv"
MODELS = ["ridge", "lightgbm", "global_tower", "moe_mlp"]
FEW_TREES = {"lightgbm": {"options": {"n_trees": 30}}}
AGAINST = {"smoke_lightgbm": {"run": "moe_smoke", "baseline": "lightgbm", "n_train": 2400}}


@pytest.fixture(scope="module")
def arguments(more):
    return more(baselines=FEW_TREES, baseline_comparisons=AGAINST)


@pytest.fixture(scope="module")
def made(smoke, arguments):
    """The checkout with both tables, and the jobs that were planned for them."""
    smoke.planned_for_benchmark = smoke.planned(*arguments, SUMMARY, COMPARISON)
    process = smoke.snakemake(*arguments, SUMMARY, COMPARISON)
    assert process.returncode == 0, process.stdout[-5000:]
    return smoke


@pytest.fixture(scope="module")
def summary(made):
    return pd.read_csv(made.path / SUMMARY)


def test_spectra_and_the_mixture_at_a_known_level_are_shared(made, arguments):
    planned = made.planned_for_benchmark
    assert not {"grid_shard", "grid", "spectra"} & set(planned)
    assert planned["noisy"] == 3  # a shard a split of 0.5; those of 0.2 are there
    assert planned["expert"] == 9
    assert planned["baseline"] == 2  # one of them is in the comparison, too
    assert made.planned(*arguments, SUMMARY, COMPARISON) == {}


def test_the_summary_has_every_model_at_every_level_and_agrees_with_the_runs(made, summary):
    assert summary["model"].tolist() == MODELS * 2
    assert summary["noise_level"].tolist() == [0.2] * 4 + [0.5] * 4
    assert (summary[["n_train", "n_test"]] == [2400, 600]).all(axis=None)
    r2 = summary.set_index(["noise_level", "model"])["r2"]
    for level, run in ((0.2, "moe_smoke"), (0.5, "benchmark_smoke_moe_0p5")):
        test = pd.read_parquet(made.path / f"results/{run}/predictions.parquet").query("split == 'test'")
        for model, column in (("moe_mlp", "mlp"), ("ridge", "global_ridge")):
            assert r2[level, model] == pytest.approx(scores(test["log_g"], test[column])["r2"], rel=1e-6)
    for level, tower in ((0.2, "tower_smoke/towers/F1F2F3F4"), (0.5, "benchmark_smoke_towers/towers/tower")):
        path = made.path / f"results/{tower}/noise_{level}/cross_fit_predictions.parquet"
        test = pd.read_parquet(path).query("split == 'test'")
        assert r2[level, "global_tower"] == pytest.approx(scores(test["log_g"], test["seed_1"])["r2"], rel=1e-6)
        path = made.path / f"results/baselines/smoke/noise_{level}/train_2400/lightgbm.parquet"
        table = pd.read_parquet(path)
        assert r2[level, "lightgbm"] == pytest.approx(scores(table["log_g"], table["predicted"])["r2"], rel=1e-6)
    assert (r2[0.2] > r2[0.5]).all()


def test_published_values_differences_and_bins_stand_beside(made, summary):
    run = made.path / "results/benchmark_smoke"
    published = summary.set_index(["noise_level", "model"])["published_bosz_r2"]
    assert published[0.2, "ridge"] == 0.862
    differences = pd.read_csv(run / "differences.csv")
    assert differences["comparison"].tolist().count("moe_mlp - lightgbm") == 2
    by_snr = pd.read_csv(run / "by_snr.csv")
    assert (by_snr.groupby(["noise_level", "model"])["n_test"].sum() == 600).all()
    for figure in ("r2_against_noise", "r2_against_snr"):
        assert (run / "figures" / f"{figure}.png").stat().st_size > 10_000
        assert (run / "figures" / f"{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_the_mixture_against_lightgbm(made, summary):
    table = pd.read_csv(made.path / COMPARISON).set_index("stars")
    assert table.loc["all", "n_test"] == 600
    assert (table[["noise_level", "n_train_moe", "n_train_lightgbm"]] == [0.2, 2400, 2400]).all(axis=None)
    assert (table["passed"] == (table["ci_low"] > 0)).all()
    r2 = summary.set_index(["noise_level", "model"])["r2"]
    for column, model in (("r2_moe", "moe_mlp"), ("r2_lightgbm", "lightgbm")):
        assert table.loc["all", column] == pytest.approx(r2[0.2, model], rel=1e-6)


def test_a_baseline_on_other_training_stars_is_fitted_on_them(made, more):
    fewer = {"smoke_lightgbm": AGAINST["smoke_lightgbm"] | {"n_train": 1000}}
    planned = made.planned(*more(baselines=FEW_TREES, baseline_comparisons=fewer), COMPARISON)
    assert planned == {"baseline": 1, "baseline_comparison": 1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gravispec/report/sweep_figures.py", {"sweep_figures": 1, "sweep_summary": 1}),
        (
            "gravispec/evaluation/moe_baseline.py",
            {"sweep": 1, "sweep_figures": 1, "validate": 1, "sweep_summary": 1, "baseline_comparison": 1},
        ),
    ],
)
def test_an_edit_reruns_what_reads_it(made, arguments, edit, name, expected):
    edit(name, "\nEDITED = True\n")
    assert made.planned(*arguments, SUMMARY, COMPARISON) == expected
