"""The tables of a run, for any models, noise levels and numbers of training stars, against naive computations."""

import numpy as np
import pandas as pd
import pytest

from gravispec.errors import InputError
from gravispec.evaluation.bins import by_snr, per_bin
from gravispec.evaluation.bootstrap import interval, r2_resamples, resampled, samples_of
from gravispec.evaluation.cells import MIN_STARS, cells, r2_rows, scores, seeds_of
from gravispec.evaluation.comparison import comparison
from gravispec.evaluation.curves import training_curves
from gravispec.evaluation.differences import differences
from gravispec.evaluation.hypotheses import hypotheses
from gravispec.evaluation.published import published_results
from gravispec.evaluation.summary import rho, summary

N = 900
SIGMA = {"ridge": 0.8, "oracle": 0.4, "gate": 0.5, "tower": 0.45}  # scatter of the errors, dex, at noise level 1
LEVELS, SIZES = (0.2, 1.0), (100, 1000)
STATISTICS = {"seed": 4, "resamples": 200, "confidence": 0.95}
RESAMPLING = {"seed": 4, "resamples": 200}
CLAIM = dict.fromkeys(("statement", "model", "at_least", "at_most", "difference", "above", "noise_level", "n_train"))


def entry(name, module, **options):
    return {"module": module, "label": name.title(), "covered": name, "all": f"{name}_full", **options}


MODELS = {
    "ridge": entry("ridge", "global_ridge", alpha=0.0) | {"all": "ridge_everywhere"},
    "oracle": entry("oracle", "oracle"),
    "gate": entry("gate", "mixture", gate="mlp"),
    "tower": entry("tower", "tower", families=("pca", "ridge", "topk", "error")),
}
RUN = {
    "name": "r", "reference": "ridge", "catalogue": "tower", "rho": ["ridge", "oracle"],
    "differences": [["gate", "ridge"], ["oracle", "gate"], ["tower", "gate"]],
    "noise_level": list(LEVELS), "n_train": list(SIZES), "hypotheses": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def predictions():
    """A table as of a run: the tower is in the cells of 1,000 training stars alone, the oracle knows covered stars."""
    rng = np.random.default_rng(2)
    stars = pd.DataFrame({"star_id": [f"s{i}" for i in range(N)], "split": "test", "log_g": rng.uniform(1, 5, N)})
    stars["snr"], stars["bin"] = rng.uniform(3, 18, N), rng.integers(-1, 4, N)
    stars["uncovered"] = stars["bin"] < 0
    shared, parts = rng.normal(size=N), []
    for level in LEVELS:
        for n_train in SIZES:
            table = stars.assign(noise_level=level, n_train=n_train)
            for model, sigma in SIGMA.items():
                error = sigma * level**0.5 * np.sqrt(8 / stars["snr"]) * (0.8 * shared + 0.6 * rng.normal(size=N))
                table[model] = stars["log_g"] + error
            table.loc[table["uncovered"], "oracle"] = np.nan
            for k in range(3):
                table[f"seed_tower_{k}"] = table["tower"] + 0.1 * k * rng.normal(size=N)
            if n_train == SIZES[0]:
                table[[c for c in table if "tower" in c]] = np.nan
            val = table.iloc[:100].assign(split="val", gate=99.0)  # must not count
            parts.append(pd.concat([val, table]))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def samples(predictions):
    return resampled(predictions, MODELS, **RESAMPLING)


@pytest.fixture(scope="module")
def table(predictions, samples):
    about = {(0.2, 1000, "tower"): {"parameters": 7, "r2_train": 0.5, "other": "x"}}
    return summary(predictions, MODELS, RUN, samples=samples, about=about, confidence=0.95)


def test_r2_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=50), rng.normal(size=(3, 50))
    expected = [scores(y, p)["r2"] for p in predicted]
    np.testing.assert_allclose(r2_rows(y, predicted), expected, rtol=1e-12)


def test_rho_is_zero_at_the_start_one_at_the_end_and_nan_without_a_gain():
    assert rho(0.8, 0.8, 0.9) == 0
    assert rho(0.9, 0.8, 0.9) == 1
    assert np.isnan(rho(0.8, 0.8, 0.7))


def test_resamples_are_paired_and_agree_with_a_loop(predictions):
    (cell, *_) = cells(predictions, MODELS)
    found = r2_resamples(cell.rows["log_g"], cell.values.assign(copy=cell.rows["gate"]), resamples=200, seed=4)
    np.testing.assert_array_equal(found["gate"], found["copy"])
    rng, y, gate = np.random.default_rng(4), cell.rows["log_g"].to_numpy(), cell.rows["gate"].to_numpy()
    loop = [scores(y[i], gate[i])["r2"] for i in rng.integers(0, len(y), (200, len(y)))]
    np.testing.assert_allclose(found["gate"], loop, rtol=1e-12)


def test_resampled_rmse_is_that_of_the_same_stars(predictions, samples):
    (cell, *_) = cells(predictions, MODELS)
    rng, y, gate = np.random.default_rng(4), cell.rows["log_g"].to_numpy(), cell.rows["gate"].to_numpy()
    loop = [scores(y[i], gate[i])["rmse"] for i in rng.integers(0, len(y), (200, len(y)))]
    np.testing.assert_allclose(samples_of(samples, cell, "rmse")["gate"], loop, rtol=1e-10)


def test_intervals_cover_at_their_nominal_rate():
    rng = np.random.default_rng(8)
    inside = 0
    for trial in range(200):
        y = rng.normal(size=400)
        drawn = r2_resamples(y, pd.DataFrame({"m": y + rng.normal(size=400) * 0.5}), resamples=200, seed=trial)
        low, high = interval(drawn["m"], 0.95)
        inside += low <= 1 - 0.25 <= high
    # 200 trials at 95 %: 4 binomial sigma below is 0.89; percentile intervals are slightly narrow
    assert 0.88 <= inside / 200 <= 1.0


def test_cells_have_the_models_that_predict_all_of_their_stars(predictions):
    found = cells(predictions, MODELS)
    assert [(c.noise_level, c.n_train, c.stars) for c in found] == [
        (level, n_train, stars) for level in LEVELS for n_train in SIZES for stars in ("covered", "all")
    ]
    assert [c.models for c in found[:4]] == [
        ["ridge", "oracle", "gate"], ["ridge", "gate"], ["ridge", "oracle", "gate", "tower"], ["ridge", "gate", "tower"]
    ]  # fmt: skip
    assert all(len(c.rows) == N for c in found[1::2])


def test_holes_in_predictions_and_too_few_covered_stars_are_named(predictions):
    holes = predictions.copy()
    holes.loc[(holes["split"] == "test") & (holes["bin"] == 2), "gate"] = np.nan
    with pytest.raises(InputError, match=r"noise level 0\.2, n_train 100: gate predicts \d+ of \d+ test stars"):
        cells(holes, MODELS)
    with pytest.raises(InputError, match="0 covered test stars"):
        cells(predictions.assign(uncovered=True), MODELS)


def test_summary_has_a_row_a_model_and_cell_with_the_scores_of_its_stars(predictions, table):
    assert len(table) == sum(len(cell.models) for cell in cells(predictions, MODELS))
    assert table["model"][:5].tolist() == ["ridge", "oracle", "gate", "ridge_everywhere", "gate_full"]
    assert table["run"].eq("r").all()
    key = {"noise_level": 1.0, "n_train": 1000, "model": "gate"}
    row = table[np.logical_and.reduce([table[name] == value for name, value in key.items()])].iloc[0]
    mine = (predictions["noise_level"] == 1.0) & (predictions["n_train"] == 1000) & (predictions["split"] == "test")
    test = predictions[mine]
    covered = test[~test["uncovered"]]
    for name, value in scores(covered["log_g"], covered["gate"]).items():
        assert row[name] == pytest.approx(value, rel=1e-12)
    r2 = {model: scores(covered["log_g"], covered[model])["r2"] for model in ("ridge", "oracle", "gate")}
    assert row["delta_r2_vs_ridge"] == pytest.approx(r2["gate"] - r2["ridge"], rel=1e-12)
    assert row["rho"] == pytest.approx((r2["gate"] - r2["ridge"]) / (r2["oracle"] - r2["ridge"]), rel=1e-12)
    assert row["coverage"] == pytest.approx(len(covered) / N)
    assert row["r2_ci_low"] < row["r2"] < row["r2_ci_high"]
    assert row["rmse_ci_low"] < row["rmse"] < row["rmse_ci_high"]
    assert row["delta_ci_low"] < row["delta_r2_vs_ridge"] < row["delta_ci_high"]
    every = table[table["stars"] == "all"]
    assert (every["coverage"] == 1).all()
    assert every["rho"].isna().all()  # the oracle does not predict all stars
    assert table.loc[table["model"].isin(["ridge", "ridge_everywhere"]), "delta_r2_vs_ridge"].isna().all()


def test_rmse_over_that_of_the_limit_is_of_all_stars_and_of_models_without_true_labels(predictions, table):
    assert not table.filter(like="limit").shape[1]  # no model of this run declares to be it
    models = MODELS | {"gate": entry("gate", "posterior")}
    samples = resampled(predictions, models, **RESAMPLING)
    found = summary(predictions, models, RUN, samples=samples, about={}, confidence=0.95)
    columns = ["rmse_over_limit", "limit_ci_low", "limit_ci_high"]
    assert found.loc[found["stars"] == "covered", columns].isna().all(axis=None)
    every = found[found["stars"] == "all"].set_index(["noise_level", "n_train", "model"])
    assert (every.xs("gate_full", level="model")[columns] == 1).all(axis=None)
    row = every.loc[(1.0, 1000, "tower_full")]
    test = predictions.query("noise_level == 1.0 and n_train == 1000 and split == 'test'")
    errors = test[["tower", "gate"]].sub(test["log_g"], axis=0).to_numpy()
    assert row["rmse_over_limit"] == pytest.approx(np.sqrt(np.mean(errors[:, 0] ** 2) / np.mean(errors[:, 1] ** 2)))
    rng = np.random.default_rng(1)
    loop = [np.sqrt(np.divide(*np.mean(errors[rng.integers(0, N, N)] ** 2, axis=0))) for _ in range(2000)]
    assert row["limit_ci_low"] == pytest.approx(np.quantile(loop, 0.025), abs=0.01)
    assert row["limit_ci_high"] == pytest.approx(np.quantile(loop, 0.975), abs=0.01)


def test_seeds_scatter_and_what_the_fit_said_stand_in_the_summary(predictions, table):
    tower = table[(table["noise_level"] == 0.2) & table["model"].isin(["tower", "tower_full"])]
    assert tower["n_seeds"].tolist() == [3, 3]
    test = predictions[(predictions["noise_level"] == 0.2) & (predictions["n_train"] == 1000)].query("split == 'test'")
    each = [scores(test["log_g"], test[f"seed_tower_{k}"])["r2"] for k in range(3)]
    row = tower.set_index("stars").loc["all"]
    assert (row["r2_seed_mean"], row["r2_seed_std"]) == pytest.approx((np.mean(each), np.std(each, ddof=1)))
    assert row["r2"] == pytest.approx(each[0])
    assert (row["parameters"], row["r2_train"]) == (7, 0.5)
    others = table[~table["model"].isin(["tower", "tower_full"])]
    assert (others["n_seeds"] == 1).all()
    assert others[["r2_seed_std", "parameters", "r2_train"]].isna().all(axis=None)


def test_models_whose_names_begin_alike_have_their_own_seeds():
    rows = pd.DataFrame(0.0, index=[0], columns=["t", "t_1", "seed_t_0", "seed_t_1", "seed_t_1_0", "seed_t_1_1"])
    assert seeds_of(rows, "t") == ["seed_t_0", "seed_t_1"]
    assert seeds_of(rows, "t_1") == ["seed_t_1_0", "seed_t_1_1"]


def test_published_values_stand_beside_ours_and_are_copied_from_the_published_table(table):
    rows = table[table["n_train"] == 1000].set_index(["noise_level", "model"])
    columns = [name for name in table if name.startswith("published")]
    assert all(name.startswith("published_bosz_") for name in columns)
    assert rows.loc[(0.2, "ridge_everywhere"), columns].tolist() == [0.862, "Ridge", 32000, 1000]
    assert rows.loc[(1.0, "tower_full"), columns].tolist() == [0.4883, "GlobalFeatureMLP F1F2F3F4", 32000, 512]
    assert rows.loc[(0.2, "gate_full"), columns].tolist() == [0.8957, "full coverage edge-clamp", 32000, 1000]
    assert rows.loc[(0.2, "tower_full"), columns].isna().all()
    assert table.loc[table["stars"] == "covered", columns].isna().all(axis=None)
    everything = published_results()["value"].to_numpy()
    assert table["published_bosz_r2"].dropna().isin(everything).all()


def test_published_options_and_the_nearest_training_size_count(predictions, samples):
    lightgbm = {"gate": entry("gate", "lightgbm", max_bin=63), "ridge": entry("ridge", "global_ridge", alpha=200)}
    for n_train, expected in ((32_000, 0.5361), (90_000, 0.5582), (10**6, 0.614)):
        rows = predictions[predictions["n_train"] == 1000].assign(n_train=n_train)
        drawn = samples[samples["n_train"] == 1000].assign(n_train=n_train)
        found = summary(rows, lightgbm, RUN | {"rho": None}, samples=drawn, about={}, confidence=0.95)
        found = found[found["noise_level"] == 1.0].set_index("model")
        assert found.loc["gate_full", "published_bosz_r2"] == expected
        assert found.loc["ridge_full", "published_bosz_model"] == "Ridge alpha=200"


def test_the_published_table_is_complete():
    assert len(published_results()) == 51
    assert not published_results().isna().any(axis=None)


def test_differences_are_paired_and_of_the_pairs_that_a_cell_has(predictions, samples):
    found = differences(predictions, MODELS, RUN, samples=samples, confidence=0.95)
    here = found[(found["noise_level"] == 0.2) & (found["n_train"] == 100)]
    assert list(zip(here["stars"], here["comparison"], strict=True)) == [
        ("covered", "gate - ridge"), ("covered", "oracle - gate"), ("all", "gate - ridge"),
    ]  # fmt: skip
    cell = cells(predictions, MODELS)[0]
    drawn, row = samples_of(samples, cell), here.iloc[0]
    assert row["delta_r2"] == pytest.approx(cell.scores("gate")["r2"] - cell.scores("ridge")["r2"], rel=1e-12)
    assert row["ci_low"] == pytest.approx(np.quantile(drawn["gate"] - drawn["ridge"], 0.025), rel=1e-12)
    assert row["resamples"] == 200
    # errors of the models are correlated: the paired interval is narrower than that of independent samples
    unpaired = np.quantile(drawn["gate"].to_numpy() - drawn["ridge"].to_numpy()[::-1], [0.025, 0.975])
    assert row["ci_high"] - row["ci_low"] < 0.8 * np.ptp(unpaired)
    assert row["ci_low"] > 0


def test_per_bin_shows_n_and_leaves_small_bins_empty(predictions):
    few = predictions[~((predictions["bin"] == 3) & (predictions.index % 40 != 0))]
    found = per_bin(few, MODELS, RUN, bin_names=list("abcd"), **STATISTICS)
    assert len(found) == 4 * (3 + 4) * len(LEVELS)
    tiny = found[found["bin"] == 3]
    assert (tiny["n_test"] < MIN_STARS).all()
    assert tiny["r2"].isna().all()
    assert found.loc[found["model"] == "ridge", "delta_r2_vs_ridge"].isna().all()
    row = found.query("bin == 1 and model == 'gate'").iloc[0]
    mine = few[(few["noise_level"] == 0.2) & (few["n_train"] == 100) & (few["split"] == "test") & (few["bin"] == 1)]
    assert row["name"] == "b"
    assert row["r2"] == pytest.approx(scores(mine["log_g"], mine["gate"])["r2"], rel=1e-12)
    assert row["ci_low"] < row["delta_r2_vs_ridge"] < row["ci_high"]


def test_snr_bins_hold_every_star_once_and_are_those_of_the_noisy_spectrum(predictions):
    clean = predictions[predictions["noise_level"] == 1.0].assign(noise_level=0.0)
    found = by_snr(pd.concat([predictions, clean]), MODELS, **STATISTICS)
    ridge = found[found["model"] == "ridge"]
    assert (ridge.groupby(["noise_level", "n_train"])["n_test"].sum() == N).all()
    at = {level: rows.drop(columns="noise_level") for level, rows in ridge.groupby("noise_level")}
    np.testing.assert_array_equal(at[0.0].to_numpy()[:, 2:], at[1.0].to_numpy()[:, 2:])  # level 0 is binned as level 1
    assert ridge[ridge["noise_level"] == 1.0]["snr_low"].unique().tolist() == [2, 4, 8, 16]
    for row in found[found["noise_level"] == 0.2].itertuples():
        test = predictions[(predictions["noise_level"] == 0.2) & (predictions["n_train"] == row.n_train)]
        test = test[(test["split"] == "test") & test["snr"].between(0.2 * row.snr_low, 0.2 * row.snr_high, "left")]
        assert row.n_test == len(test)
        assert row.snr_high == 2 * row.snr_low
        assert row.r2 == pytest.approx(scores(test["log_g"], test[row.model])["r2"], rel=1e-12)
        assert row.r2_ci_low < row.r2 < row.r2_ci_high
    assert "oracle" not in set(found["model"])


def test_hypotheses_are_measured_where_they_apply(predictions, samples, table):
    claims = {
        "H1": {"model": "gate", "at_least": 0.5, "stars": "all", "metric": "r2"},
        "H2": {"difference": ["gate", "ridge"], "above": 0.0, "stars": "covered", "noise_level": 1.0},
        "H3": {"model": "tower", "at_most": 0.4, "metric": "mae", "stars": "covered", "statement": "so be it"},
    }
    run = RUN | {"hypotheses": {name: CLAIM | claim for name, claim in claims.items()}}
    found = hypotheses(predictions, MODELS, run, samples=samples, confidence=0.95)
    assert found["id"].tolist() == ["H1"] * 4 + ["H2"] * 2 + ["H3"] * 2  # the tower is in two cells
    first = found.drop_duplicates("id").set_index("id")
    assert first.loc["H1", "statement"] == "R² of Gate on all stars is at least 0.5"
    assert first.loc["H2", "statement"] == "lower limit of ΔR²(gate - ridge) on covered stars is above 0"
    assert first.loc["H3", "statement"] == "so be it"
    gate = table[table["model"] == "gate_full"]
    np.testing.assert_allclose(found.loc[found["id"] == "H1", "measured"], gate["r2"], rtol=1e-12)
    delta = table[(table["model"] == "gate") & (table["noise_level"] == 1.0)]
    np.testing.assert_allclose(found.loc[found["id"] == "H2", "measured"], delta["delta_ci_low"], rtol=1e-12)
    tower = table[table["model"] == "tower"]
    assert found.loc[found["id"] == "H3", "passed"].tolist() == (tower["mae"] <= 0.4).tolist()
    assert first.loc["H1", "passed"] == (first.loc["H1", "measured"] >= 0.5)


def test_a_claim_that_applies_nowhere_is_named(predictions, samples):
    run = RUN | {"hypotheses": {"H9": CLAIM | {"model": "oracle", "at_least": 0, "metric": "r2", "stars": "all"}}}
    with pytest.raises(InputError, match=r"hypotheses\.H9: oracle predict no stars 'all'"):
        hypotheses(predictions, MODELS, run, samples=samples, confidence=0.95)


def sides(predictions, *named):
    """``(stars, entries, tables)`` as a comparison reads them, from ``(run, model, level, n_train)``."""
    test = predictions[predictions["split"] == "test"]
    entries = [dict(zip(("run", "model", "noise_level", "n_train"), name, strict=True)) for name in named]
    tables = []
    for _, model, level, n_train in named:
        rows = predictions[(predictions["noise_level"] == level) & (predictions["n_train"] == n_train)]
        rows = rows.assign(star_id=rows["star_id"].where(rows["split"] == "test", "val"))
        tables.append(pd.DataFrame({"star_id": rows["star_id"], "log_g": rows[model]}))
    stars = test[(test["noise_level"] == LEVELS[0]) & (test["n_train"] == SIZES[0])]
    return stars[["star_id", "log_g", "uncovered"]].reset_index(drop=True), entries, tables


def test_runs_are_compared_model_by_model(predictions, table):
    named = [(run, model, 1.0, n) for run, n in (("a", 100), ("b", 1000)) for model in ("ridge", "oracle")]
    found = comparison(*sides(predictions, *named), **STATISTICS)
    assert list(zip(found["model"], found["run"], found["stars"], strict=True)) == [
        ("ridge", "a", "covered"), ("ridge", "b", "covered"), ("ridge", "a", "all"), ("ridge", "b", "all"),
        ("oracle", "a", "covered"), ("oracle", "b", "covered"),
    ]  # fmt: skip
    ours = table[(table["noise_level"] == 1.0) & (table["model"] == "ridge")].set_index("n_train")
    row = found.iloc[1]
    assert row["r2"] == pytest.approx(ours.loc[1000, "r2"], rel=1e-12)
    assert row["delta_r2_vs_a"] == pytest.approx(ours.loc[1000, "r2"] - ours.loc[100, "r2"], rel=1e-9)
    assert (row["r2_ci_low"], row["r2_ci_high"]) == pytest.approx(
        (ours.loc[1000, "r2_ci_low"], ours.loc[1000, "r2_ci_high"])
    )
    assert row["passed"] == (row["delta_ci_low"] > 0)
    assert pd.isna(found.iloc[0]["delta_r2_vs_a"])


def test_models_of_runs_are_compared_with_the_first(predictions):
    named = [(run, model, level, 1000) for level in LEVELS for run, model in (("a", "ridge"), ("b", "gate"))]
    found = comparison(*sides(predictions, *named), **STATISTICS)
    assert found["noise_level"].tolist() == [0.2] * 4 + [1.0] * 4
    assert found.loc[found["run"] == "b", "passed"].all()
    same = comparison(*sides(predictions, ("a", "gate", 1.0, 1000), ("b", "gate", 1.0, 1000)), **STATISTICS)
    assert (same["delta_r2_vs_a"].dropna() == 0).all()
    assert not same["passed"].dropna().any()
    stars, entries, (first, second) = sides(predictions, *named[:2])
    with pytest.raises(InputError, match="b, gate: other test stars"):
        comparison(stars, entries, [first, second[:-5]], **STATISTICS)
    with pytest.raises(InputError, match="nothing to compare"):
        comparison(stars, [], [], **STATISTICS)


def test_training_curves_are_stacked():
    curve = {"epoch": [1, 2], "fit": [0.5, 0.4], "stop": [0.6, 0.5]}
    about = {
        (0.2, 100, "gate"): {"curve": curve, "loss": "dex²"},
        (0.2, 100, "ridge"): {"alpha": 1.0},
        (1.0, 100, "tower"): {"curve": curve | {"seed": [7, 7]}, "loss": "dex"},
    }
    found = training_curves(about)
    assert found["model"].tolist() == ["gate", "gate", "tower", "tower"]
    assert found["seed"].isna().tolist() == [True, True, False, False]
    assert found["stop"].tolist() == [0.6, 0.5] * 2
    assert training_curves({}).empty
