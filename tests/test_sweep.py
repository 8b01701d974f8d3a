"""Tables and figures of the noise sweep, the published results, and the mixture against a baseline."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from gravispec.errors import InputError
from gravispec.evaluation import sweep
from gravispec.evaluation.metrics import scores
from gravispec.evaluation.moe_baseline import moe_against
from gravispec.evaluation.published import published_per_bin, published_r2, published_results
from gravispec.evaluation.same_stars import models, side_by_side
from gravispec.report import sweep_figures
from gravispec.report.style import style

MODELS = {"ridge": 1.0, "lightgbm": 0.8, "global_tower": 0.75, "moe_mlp": 0.6}  # scatter of the errors, dex
LEVELS = (0.2, 1.0)
N = 1500


@pytest.fixture(scope="module")
def tables():
    """``{(level, model): predictions}``; errors grow with the noise level and fall with S/N."""
    rng = np.random.default_rng(4)
    log_g, snr = rng.uniform(1, 5, N), rng.uniform(3, 18, N)
    shared = rng.normal(size=N)
    made = {}
    for level in reversed(LEVELS):
        for model, sigma in MODELS.items():
            error = sigma * level**0.5 * np.sqrt(8 / snr) * (0.8 * shared + 0.6 * rng.normal(size=N))
            ids = [f"test_{i:04d}" for i in range(N)]
            table = pd.DataFrame({"star_id": ids, "log_g": log_g, "snr": snr, "predicted": log_g + error})
            made[level, model] = table.sample(frac=1, random_state=len(made))  # every model in an order of its own
    return made


@pytest.fixture(scope="module")
def levels(tables):
    return sweep.sweep_levels(tables)


@pytest.fixture(scope="module")
def samples(levels):
    return sweep.sweep_resamples(levels, resamples=300, seed=2)


@pytest.fixture(scope="module")
def summary(levels, samples):
    return sweep.summary_table(levels, samples, n_train=32000, confidence=0.95)


def test_tables_are_matched_by_star(tables, levels):
    assert list(levels) == [0.2, 1.0]
    for (level, model), table in tables.items():
        joined = levels[level].set_index("star_id")
        pd.testing.assert_series_equal(
            joined[model], table.set_index("star_id")["predicted"].loc[joined.index], check_names=False
        )
    assert models(levels[0.2]) == list(MODELS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[1:], "different test stars"),
        (lambda t: t.assign(star_id="other_" + t["star_id"]), "different test stars"),
        (lambda t: pd.concat([t, t[:1]]), "comes twice"),
        (lambda t: t.assign(log_g=t["log_g"] + 1), "different true log_g"),
        (lambda t: t.assign(predicted=np.nan), "not finite"),
        (lambda t: t.drop(columns="snr"), "no column 'snr'"),
    ],
)
def test_tables_that_do_not_match_are_refused(tables, change, message):
    with pytest.raises(InputError, match=message):
        side_by_side({"ridge": tables[1.0, "ridge"], "lightgbm": change(tables[1.0, "lightgbm"])})


def test_summary_is_the_scores_of_every_table(tables, summary):
    assert len(summary) == len(tables)
    rows = summary.set_index(["noise_level", "model"])
    for key, table in tables.items():
        for name, value in scores(table["log_g"], table["predicted"]).items():
            assert rows.loc[key, name] == pytest.approx(value, rel=1e-12)
    assert (summary["r2_ci_low"] < summary["r2"]).all()
    assert (summary["r2"] < summary["r2_ci_high"]).all()
    assert (summary["n_train"] == 32000).all()


def test_published_values_stand_beside_ours_and_are_copied_from_the_published_table(summary):
    rows = summary.set_index(["noise_level", "model"])
    columns = [name for name in summary if name.startswith("published")]
    assert all(name.startswith("published_bosz_") for name in columns)
    assert rows.loc[(0.2, "ridge"), columns].tolist() == [0.862, "Ridge", 32000, 1000]
    assert rows.loc[(1.0, "lightgbm"), columns].tolist() == [0.5361, "LightGBM", 32000, 512]
    assert rows.loc[(1.0, "global_tower"), columns].tolist() == [0.4883, "GlobalFeatureMLP F1F2F3F4", 32000, 512]
    assert rows.loc[(0.2, "moe_mlp"), columns].tolist() == [0.8957, "full coverage edge-clamp", 32000, 1000]
    assert rows.loc[(0.2, "global_tower"), columns].isna().all()
    everything = published_results()["value"].to_numpy()
    assert rows["published_bosz_r2"].dropna().isin(everything).all()


def test_the_nearest_published_training_size_counts():
    assert published_r2("lightgbm", 1.0, 32_000)["published_bosz_n_train"] == 32_000
    assert published_r2("lightgbm", 1.0, 90_000)["published_bosz_n_train"] == 100_000
    assert published_r2("lightgbm", 1.0, 10**6)["published_bosz_r2"] == 0.614
    assert set(published_r2("ridge", 2.0, 32_000).values()) == {None}
    assert set(published_r2("unheard_of", 1.0, 32_000).values()) == {None}


def test_the_published_tables_are_complete():
    results, per_bin = published_results(), published_per_bin()
    assert list(results.columns) == ["experiment", "model", "noise_level", "n_train", "n_test", "metric", "value"]
    assert len(results) == 51
    assert not results.isna().any(axis=None)
    assert per_bin["bin"].tolist() == list(range(9))
    assert per_bin["n_test_32k"].sum() == 816  # the covered stars of the published test set


def test_differences_are_paired_and_against_ridge_and_lightgbm(levels, samples):
    table = sweep.difference_table(levels, samples, confidence=0.95)
    pairs = ["lightgbm - ridge", "global_tower - ridge", "moe_mlp - ridge"]
    pairs += ["global_tower - lightgbm", "moe_mlp - lightgbm"]
    assert table["comparison"].tolist() == pairs * len(LEVELS)
    assert table["noise_level"].tolist() == [0.2] * 5 + [1.0] * 5
    row = table[table["noise_level"] == 1.0].set_index("comparison").loc["moe_mlp - lightgbm"]
    joined, drawn = levels[1.0], samples[1.0]
    delta = scores(joined["log_g"], joined["moe_mlp"])["r2"] - scores(joined["log_g"], joined["lightgbm"])["r2"]
    assert row["delta_r2"] == pytest.approx(delta, rel=1e-12)
    assert row["ci_low"] == pytest.approx(np.quantile(drawn["moe_mlp"] - drawn["lightgbm"], 0.025), rel=1e-12)
    # errors of the models are correlated: the paired interval is narrower than that of independent samples
    unpaired = np.quantile(drawn["moe_mlp"].to_numpy() - drawn["lightgbm"].to_numpy()[::-1], [0.025, 0.975])
    assert row["ci_high"] - row["ci_low"] < 0.8 * np.ptp(unpaired)
    assert row["ci_low"] > 0


def test_snr_bins_hold_every_star_once_and_are_those_of_the_noisy_spectrum(levels):
    table = sweep.snr_table(levels, resamples=50, seed=2, confidence=0.95)
    ridge = table[table["model"] == "ridge"]
    assert (ridge.groupby("noise_level")["n_test"].sum() == N).all()
    for row in table.itertuples():
        joined = levels[row.noise_level]
        inside = (joined["snr"] >= row.snr_low * row.noise_level) & (joined["snr"] < row.snr_high * row.noise_level)
        assert row.n_test == inside.sum()
        assert row.snr_high == 2 * row.snr_low
        assert row.r2 == pytest.approx(scores(joined["log_g"][inside], joined[row.model][inside])["r2"], rel=1e-12)
        assert row.r2_ci_low < row.r2 < row.r2_ci_high
    at_1 = ridge[ridge["noise_level"] == 1.0].sort_values("snr_low")
    assert at_1["snr_low"].tolist() == [2, 4, 8, 16]
    assert at_1["r2"].is_monotonic_increasing


def test_an_snr_bin_with_few_stars_has_its_number_and_no_r2(levels):
    lonely = levels[1.0].copy()
    lonely.loc[:3, "snr"] = 0.3  # below 1: the exponent of the bin is negative
    table = sweep.snr_table({1.0: lonely}, resamples=20, seed=2, confidence=0.95)
    few = table[table["snr_low"] == 0.25]
    assert (few["n_test"] == 4).all()
    assert few[["r2", "r2_ci_low", "r2_ci_high"]].isna().all(axis=None)
    with pytest.raises(InputError, match="noise level 0 has no S/N"):
        sweep.snr_table({0.0: lonely}, resamples=20, seed=2, confidence=0.95)


def test_the_noise_figure_shows_our_values_and_the_published_ones(summary):
    with style():
        fig = sweep_figures.r2_against_noise(summary)
    (ax,) = fig.axes
    drawn = [np.asarray(line.get_ydata(), float) for line in ax.get_lines()]
    for column in ("r2", "published_bosz_r2"):
        for _, rows in summary.groupby("model"):
            assert any(np.array_equal(y, rows[column], equal_nan=True) for y in drawn)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["published (BOSZ)", "Ridge", "LightGBM", "global tower", "MoE, mlp gate"]
    assert ax.get_title() == "32,000 training stars, 1,500 test stars"
    plt.close(fig)


def test_the_snr_figure_shows_the_number_of_stars(levels):
    table = sweep.snr_table(levels, resamples=20, seed=2, confidence=0.95)
    with style():
        fig = sweep_figures.r2_against_snr(table)
    panels = {ax.get_title(): ax for ax in fig.axes if ax.get_title()}
    assert list(panels) == ["noise level 0.2", "noise level 1"]
    for level, ax in zip(LEVELS, panels.values(), strict=True):
        rows = table[(table["noise_level"] == level) & (table["model"] == "ridge")].sort_values("snr_low")
        shown = [label.get_text().split("\n")[1].replace(",", "") for label in ax.get_xticklabels()]
        assert shown == rows["n_test"].astype(str).tolist()
    plt.close(fig)


def test_levels_and_resamples_come_back_from_one_table(levels, samples):
    for given in (levels, samples):
        back = sweep.by_level(sweep.stacked(given))
        assert list(back) == list(given)
        for level, table in given.items():
            pd.testing.assert_frame_equal(back[level], table, check_column_type=False)


def test_the_models_of_a_level_come_from_predictions_of_test_stars(tables):
    moe = moe_predictions(tables).assign(global_ridge=lambda t: t["mlp"] + 0.5)
    tower = tables[1.0, "global_tower"].drop(columns="snr").rename(columns={"predicted": "seed_7"})
    tower = tower.assign(seed_8=0.0, split="test")
    tower = pd.concat([tower, tower[:9].assign(split="train", star_id="train")])
    made = sweep.level_tables(moe, tower, {"lightgbm": tables[1.0, "lightgbm"]})
    assert list(made) == list(MODELS)
    joined = side_by_side(made).set_index("star_id")
    assert len(joined) == N
    for model in ("global_tower", "moe_mlp", "lightgbm"):
        expected = tables[1.0, model].set_index("star_id")["predicted"].loc[joined.index]
        np.testing.assert_array_equal(joined[model], expected)
    np.testing.assert_allclose(joined["ridge"], joined["moe_mlp"] + 0.5)
    with pytest.raises(InputError, match="different test stars"):
        side_by_side(sweep.level_tables(moe, tower[3:], {}))


def moe_predictions(tables):
    """A run's predictions: the mixture of noise level 1, with validation stars and a tenth uncovered."""
    table = tables[1.0, "moe_mlp"].rename(columns={"predicted": "mlp"}).assign(split="test")
    table["uncovered"] = np.arange(N) % 10 == 0
    return pd.concat([table, table[:50].assign(split="val", star_id="val", mlp=99.0)], ignore_index=True)


def test_the_mixture_against_lightgbm(tables):
    moe = moe_predictions(tables)
    settings = {"name": "lightgbm", "noise_level": 1.0, "n_train": 100_000, "n_train_baseline": 32_000}
    settings |= {"resamples": 300, "seed": 2, "confidence": 0.95}
    table = moe_against(moe, tables[1.0, "lightgbm"], **settings).set_index("stars")
    assert table["n_test"].to_dict() == {"covered": N - 150, "all": N}
    assert table["passed"].all()
    assert table[["n_train_moe", "n_train_lightgbm"]].to_numpy().tolist() == [[100_000, 32_000]] * 2
    assert (table["ci_low"] > 0).all()
    every = tables[1.0, "lightgbm"]
    assert table.loc["all", "r2_lightgbm"] == pytest.approx(scores(every["log_g"], every["predicted"])["r2"])
    covered = moe[(moe["split"] == "test") & ~moe["uncovered"]]
    assert table.loc["covered", "r2_moe"] == pytest.approx(scores(covered["log_g"], covered["mlp"])["r2"])
    np.testing.assert_allclose(table["delta_r2"], table["r2_moe"] - table["r2_lightgbm"], rtol=1e-9)

    same = moe_against(moe, tables[1.0, "moe_mlp"], **settings)
    assert not same["passed"].any()
    assert (same["delta_r2"] == 0).all()
    with pytest.raises(InputError, match="different test stars"):
        moe_against(moe, tables[1.0, "lightgbm"][5:], **settings)
