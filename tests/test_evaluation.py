"""Metrics, the paired bootstrap and the tables, against naive computations."""

import numpy as np
import pandas as pd
import pytest

from gravispec.errors import InputError
from gravispec.evaluation import tables
from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.metrics import r2_rows, rho, scores
from gravispec.models.mixture import predictions_table, validation_parts

ERRORS = {"global_ridge": 0.5, "oracle": 0.3, "hard": 0.32, "classify": 0.3, "linear": 0.29, "mlp": 0.25}
SUMMARY_COLUMNS = [
    *("run", "model", "noise_level", "n_train", "n_test", "coverage", "r2", "r2_ci_low", "r2_ci_high", "mae", "rmse"),
    *("delta_r2_vs_classify", "delta_ci_low", "delta_ci_high", "rho"),
]


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(2)
    n = 1200
    log_g = rng.uniform(1, 5, n)
    table = pd.DataFrame({"star_id": [f"s{i}" for i in range(n)], "split": "test", "log_g": log_g})
    table["bin"] = rng.integers(-1, 9, n)
    table["uncovered"] = table["bin"] == -1
    shared = rng.normal(size=n)
    for model, sigma in ERRORS.items():
        table[model] = log_g + sigma * (0.8 * shared + 0.6 * rng.normal(size=n))
    table["mlp_fallback"] = table["mlp"]
    val = table.iloc[:100].assign(split="val", mlp=99.0)  # must not count
    return pd.concat([val, table], ignore_index=True)


def test_r2_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=50), rng.normal(size=(3, 50))
    expected = [scores(y, p)["r2"] for p in predicted]
    np.testing.assert_allclose(r2_rows(y, predicted), expected, rtol=1e-12)


def test_rho_is_zero_for_global_one_for_oracle_and_nan_without_a_gain():
    assert rho(0.8, 0.8, 0.9) == 0
    assert rho(0.9, 0.8, 0.9) == 1
    assert np.isnan(rho(0.8, 0.8, 0.7))


def test_resamples_are_paired_and_agree_with_a_loop(predictions):
    test = predictions[predictions["split"] == "test"]
    values = test[["mlp", "classify"]].assign(copy=test["mlp"])
    samples = r2_resamples(test["log_g"], values, resamples=1000, seed=4)
    np.testing.assert_array_equal(samples["mlp"], samples["copy"])
    rng = np.random.default_rng(99)
    y, mlp = test["log_g"].to_numpy(), test["mlp"].to_numpy()
    loop = [scores(y[i], mlp[i])["r2"] for i in rng.integers(0, len(y), (1000, len(y)))]
    assert samples["mlp"].mean() == pytest.approx(np.mean(loop), abs=4 * np.std(loop) / np.sqrt(1000))
    assert samples["mlp"].std() == pytest.approx(np.std(loop), rel=0.1)


def test_intervals_cover_at_their_nominal_rate():
    rng = np.random.default_rng(8)
    inside = 0
    for trial in range(200):
        y = rng.normal(size=400)
        samples = r2_resamples(y, pd.DataFrame({"m": y + rng.normal(size=400) * 0.5}), resamples=200, seed=trial)
        low, high = interval(samples["m"], 0.95)
        inside += low <= 1 - 0.25 <= high
    # 200 trials at 95 %: 4 binomial sigma below is 0.89; percentile intervals are slightly narrow
    assert 0.88 <= inside / 200 <= 1.0


def test_summary_has_the_columns_and_rows_of_the_contract(predictions):
    samples = tables.resampled_r2(predictions, resamples=200, seed=1)
    summary = tables.summary_table(predictions, samples, run="r", noise_level=0.2, n_train=10, confidence=0.95)
    assert list(summary.columns) == SUMMARY_COLUMNS
    assert list(summary["model"]) == [*ERRORS, "mlp_full", "mlp_fallback", "global_full"]
    covered = predictions[(predictions["split"] == "test") & ~predictions["uncovered"]]
    row = summary.set_index("model").loc["mlp"]
    assert row["n_test"] == len(covered)
    assert row["coverage"] == pytest.approx(len(covered) / 1200)
    assert row["r2"] == pytest.approx(scores(covered["log_g"], covered["mlp"])["r2"])
    assert row["r2_ci_low"] < row["r2"] < row["r2_ci_high"]
    assert row["delta_ci_low"] < row["delta_r2_vs_classify"] < row["delta_ci_high"]
    full = summary.set_index("model").loc[["mlp_full", "mlp_fallback", "global_full"]]
    assert (full["n_test"] == 1200).all()
    assert (full["coverage"] == 1).all()
    assert full[["delta_r2_vs_classify", "delta_ci_low", "delta_ci_high", "rho"]].isna().all(axis=None)


def test_a_clear_gain_has_an_interval_above_zero_and_no_gain_includes_it(predictions):
    samples = tables.resampled_r2(predictions, resamples=500, seed=1)
    table = tables.bootstrap_table(predictions, samples, confidence=0.95).set_index("comparison")
    assert table.loc["mlp - classify", "ci_low"] > 0
    assert table.loc["oracle - global_ridge", "ci_low"] > 0
    assert (table["n_test"] == (predictions["split"].eq("test") & ~predictions["uncovered"]).sum()).all()
    hypotheses = tables.hypotheses_table(predictions, table.reset_index()).set_index("id")
    assert hypotheses.loc["H2", "passed"]
    assert hypotheses.loc["H1", "passed"] == (hypotheses.loc["H1", "measured"] >= 0.93)
    assert list(hypotheses.columns[:4]) == ["statement", "measured", "threshold", "passed"]


def test_per_bin_table_shows_n_and_leaves_small_bins_empty(predictions):
    small = predictions[~((predictions["bin"] == 3) & (predictions.index % 40 != 0))]
    table = tables.per_bin_table(small, [f"bin {k}" for k in range(9)], resamples=100, seed=0, confidence=0.95)
    columns = ["bin", "name", "model", "n_test", "r2", "delta_r2_vs_classify", "ci_low", "ci_high"]
    assert list(table.columns) == columns
    assert len(table) == 9 * 6
    tiny = table[table["bin"] == 3]
    assert (tiny["n_test"] < tables.MIN_STARS).all()
    assert tiny["r2"].isna().all()
    assert table[table["model"] == "classify"]["delta_r2_vs_classify"].isna().all()


def test_comparison_needs_the_same_stars(predictions):
    table = tables.comparison_table({"a": predictions, "b": predictions}, resamples=100, seed=0, confidence=0.95)
    assert (table.loc[table["run"] == "b", "delta_r2_vs_a"] == 0).all()
    with pytest.raises(InputError, match="different covered test stars"):
        tables.comparison_table({"a": predictions, "b": predictions[:-5]}, resamples=100, seed=0, confidence=0.95)


def test_too_few_covered_stars_are_refused(predictions):
    with pytest.raises(InputError, match="covered test stars"):
        tables.resampled_r2(predictions.assign(uncovered=True), resamples=100, seed=0)


def test_mixture_columns_flags_and_fallback():
    stars = pd.DataFrame({"star_id": list("abc"), "bin": [0, 1, -1], "log_g": [2.0, 3.0, 4.0]})
    experts = np.array([[2.0, 9.0], [9.0, 3.0], [4.0, 6.0]])
    weights = {
        "classify": np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]),
        "mlp": np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]),
        "linear": np.full((3, 2), 0.5),
    }
    table = predictions_table(
        stars, experts, np.array([2.5, 2.5, 2.5]), weights, fallback_weight=0.6, log_g_range=(1.0, 4.9)
    )
    np.testing.assert_allclose(table["oracle"], [2, 3, np.nan])
    np.testing.assert_allclose(table["hard"], [2, 3, 4])
    np.testing.assert_allclose(table["classify"], [2.7, 4.2, 4.8])
    np.testing.assert_allclose(table["mlp"], [2, 3, 5])
    np.testing.assert_allclose(table["mlp_fallback"], [2, 3, 2.5])
    assert table["uncovered"].tolist() == [False, False, True]
    assert table["edge"].tolist() == [False, False, True]
    np.testing.assert_allclose(table["w_classify_1"], [0.1, 0.8, 0.4])


def test_validation_stars_are_split_7000_1000_2000():
    parts, counts = np.unique(validation_parts(10_000, fit=0.7, stop=0.1), return_counts=True)
    assert dict(zip(parts, counts, strict=True)) == {"gate_fit": 7000, "gate_stop": 1000, "calibration": 2000}
