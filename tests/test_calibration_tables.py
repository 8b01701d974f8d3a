"""Coverage, residuals and giants against dwarfs: against simulation, loops over stars and known distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom, bootstrap

from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.cells import grouped
from gravispec.evaluation.coverage import BAND, coverage, coverage_band, covered_pmf
from gravispec.evaluation.residuals import giants_dwarfs, residuals, scatter
from gravispec.models.intervals import CONFIDENCES, calibrate
from gravispec.models.residual_scale import fit_scale

LABELS = ["log_g", "T_eff", "M_H"]
DEPLOYED = ["ridge", "mlp", "elsewhere"]  # the last one is not in the table


def simulated(n_test=1500, n_calibration=600, seed=3):
    """Predictions with errors that fall with S/N, wider where [M/H] < -1.5 and where log g > 3.7, and no bias."""
    rng = np.random.default_rng(seed)
    part = np.repeat(["fit", "calibration", "test"], [2000, n_calibration, n_test])
    n = len(part)
    table = pd.DataFrame({"part": part, "split": np.where(part == "test", "test", "val")})
    table["noise_level"], table["n_train"] = 0.2, 1000
    table["log_g"], table["T_eff"] = rng.uniform(1, 5, n), rng.uniform(3750, 6000, n)
    table["M_H"], table["snr_measured"] = rng.uniform(-2.5, 0.75, n), rng.uniform(5, 50, n)
    sigma = 1 / table["snr_measured"] * np.where(table["M_H"] < -1.5, 3, 1) * np.where(table["log_g"] > 3.7, 4, 1)
    table["mlp"] = table["log_g"] + sigma * rng.standard_t(3, n)
    for label, scale in (("T_eff", 500), ("M_H", 0.3)):
        table[f"{label}_mlp"] = table[f"{label}_ridge"] = table[label] + scale * sigma * rng.normal(size=n)
    table["ridge"] = table["log_g"] + 3 * sigma * rng.normal(size=n)
    return table


def rows_of(table, model):
    return table[table["model"] == model].drop(columns=["noise_level", "model"])


@pytest.fixture(scope="module")
def predictions():
    return simulated()


@pytest.fixture(scope="module")
def covered(predictions):
    return rows_of(coverage(predictions, {0.2: calibration(predictions, DEPLOYED)}), "mlp")


def test_band_is_the_law_of_split_conformal_coverage():
    """Intervals calibrated and tested 2,000 times: the shares inside and beside the band are those of the law."""
    rng, n, m = np.random.default_rng(0), 79, 300
    for c, confidence in enumerate(CONFIDENCES):
        low, high = coverage_band((m,), (n,), confidence)
        shares = np.empty(2000)
        for i in range(len(shares)):
            residuals = rng.standard_cauchy((n + m, 1))
            fitted = calibrate(residuals[:n], np.zeros((n, 1)), np.ones(n))
            shares[i] = np.mean(np.abs(residuals[n:, 0]) <= fitted.half_width[0, 0, c])
        counts = np.bincount(np.rint(shares * m).astype(int), minlength=m + 1)
        inside = np.mean((shares >= low) & (shares <= high))
        expected = covered_pmf([m], [n], confidence)
        assert inside == pytest.approx(BAND, abs=0.008)
        assert counts.cumsum() / len(shares) == pytest.approx(expected.cumsum(), abs=0.03)


def test_stars_of_equal_snr_share_a_bin():
    """Where errors are constant so is the S/N of spectra that are divided by their own median."""
    residuals = np.linspace(0, 1, 200)[:, None]
    assert calibrate(residuals, np.zeros((200, 1)), np.full(200, 7.0)).n.tolist() == [200]
    snr = np.repeat([1.0, 2.0, 3.0], [5, 190, 5])
    fitted = calibrate(residuals, np.zeros((200, 1)), snr)
    assert fitted.n.tolist() == [5, 195]
    assert np.bincount(fitted.bin(snr)).tolist() == fitted.n.tolist()


def test_covered_stars_of_several_bins_are_a_sum():
    n_test, n_calibration = [30, 0, 50], [40, 60, 99]
    rng = np.random.default_rng(1)
    pmf = covered_pmf(n_test, n_calibration, 0.95)
    ranks = [39, 58, 95]  # ⌈0.95 (n + 1)⌉
    draws = sum(
        betabinom.rvs(m, k, n + 1 - k, size=20_000, random_state=rng)
        for m, n, k in zip(n_test, n_calibration, ranks, strict=True)
        if m
    )
    assert len(pmf) == 81
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert pmf @ np.arange(81) == pytest.approx(draws.mean(), abs=4 * draws.std() / np.sqrt(20_000))
    assert np.bincount(draws, minlength=81) / 20_000 == pytest.approx(pmf, abs=0.012)


def scale_of(scale, star):
    """Scale of log g of one star, from the lists in calibration.json."""
    i = sum(edge <= star.T_eff_mlp for edge in scale["T_eff_edges"])
    j = sum(edge <= star.M_H_mlp for edge in scale["M_H_edges"])
    return scale["size"][i][j][0]


def test_scale_is_the_median_residual_of_the_kind_of_star(predictions):
    found = calibration(predictions, DEPLOYED)["models"]["mlp"]["scale"]
    fit = predictions[predictions["part"] == "fit"]
    cells = [(sum(e <= s.T_eff_mlp for e in found["T_eff_edges"]),
              sum(e <= s.M_H_mlp for e in found["M_H_edges"])) for s in fit.itertuples()]  # fmt: skip
    kept = fit[[cell == (1, 2) for cell in cells]]
    assert len(found["size"]) == 3
    assert len(found["size"][0]) == 8
    assert len(kept) == pytest.approx(2000 / 24, rel=0.3)
    assert found["size"][1][2][0] == pytest.approx(np.median(np.abs(kept["mlp"] - kept["log_g"])))
    few = fit_scale(np.tile([3.0, 5000.0, 0.0], (30, 1)), np.full((30, 3), [2.0, 4900.0, 0.0]))
    assert few.size.tolist() == [[[1, 100, 1]]]  # one cell; no residual at all counts as 1


def test_coverage_agrees_with_a_loop_over_stars(predictions, covered):
    found = calibration(predictions, DEPLOYED)["models"]["mlp"]
    test = predictions[predictions["split"] == "test"]
    limits = [-np.inf, *found["intervals"]["snr_edges"], np.inf]
    unit = pd.Series({i: scale_of(found["scale"], s) for i, s in test.iterrows()})
    for b in range(len(found["intervals"]["n"])):
        stars = test[(test["snr_measured"] >= limits[b]) & (test["snr_measured"] < limits[b + 1])]
        inner, outer = found["intervals"]["half_width"][b][0]  # log g, 68 and 95 %
        inside = [abs(s.mlp - s.log_g) <= outer * unit[i] for i, s in stars.iterrows()]
        row = covered.query("label == 'log_g' and nominal == 0.95 and by == 'snr_measured' and bin == @b").iloc[0]
        assert row["n_test"] == len(stars)
        assert row["coverage"] == pytest.approx(np.mean(inside))
        assert row["half_width"] == pytest.approx(outer * unit[stars.index].mean())
        pulls = (stars["mlp"] - stars["log_g"]) / (inner * unit[stars.index])
        assert row["pull_std"] == pytest.approx(np.std(pulls))


def test_every_group_has_all_labels_and_only_some_are_promised(covered):
    assert len(covered) == 3 * 2 * (1 + 5 + 3 * 3)
    assert set(covered.loc[covered["promised"], "by"]) == {"all", "snr_measured"}
    sizes = covered.groupby(["label", "nominal", "by"])["n_test"].sum()
    assert (sizes == 1500).all()


def test_promised_coverage_is_inside_and_a_bad_corner_is_seen(covered):
    """Wider errors of metal-poor stars are in the scale; those at high log g cannot be, and the table shows it."""
    assert covered.loc[covered["promised"], "inside"].mean() > 0.9
    metals = covered.query("label == 'log_g' and by == 'M_H'")
    assert (np.abs(metals["coverage"] - metals["nominal"]) < 0.06).all()
    dwarfs = covered.query("label == 'log_g' and by == 'log_g' and bin == 2")
    assert (dwarfs["coverage"] < dwarfs["band_low"]).all()
    assert not dwarfs["inside"].any()


def test_a_model_that_knows_its_errors_has_intervals_that_follow_them(predictions, covered):
    """Twice the true standard deviation of every star: the factor is calibrated away, no corner is bad any more."""
    known = predictions.copy()
    corner = np.where(known["M_H"] < -1.5, 3, 1) * np.where(known["log_g"] > 3.7, 4, 1)
    for label, unit in (("log_g", 1), ("T_eff", 500), ("M_H", 0.3)):
        known[f"sigma_{label}_mlp"] = 2 * unit * corner / known["snr_measured"]
    again = rows_of(coverage(known, {0.2: calibration(known, DEPLOYED)}), "mlp")
    at = {"label": "log_g", "nominal": 0.95, "by": "log_g", "bin": 2}
    (before,), (after,) = (
        t[np.logical_and.reduce([t[k] == v for k, v in at.items()])].itertuples() for t in (covered, again)
    )
    assert not before.inside
    assert after.inside
    assert again.loc[again["promised"], "inside"].mean() > 0.9  # 36 shares, 1 % of which are outside by chance
    ridge = (rows_of(coverage(t, {0.2: calibration(t, DEPLOYED)}), "ridge") for t in (predictions, known))
    pd.testing.assert_frame_equal(*ridge)


def test_overconfident_intervals_are_found(predictions):
    found = calibration(predictions, DEPLOYED)
    intervals = found["models"]["mlp"]["intervals"]
    intervals["half_width"] = (np.array(intervals["half_width"]) * 0.5).tolist()
    table = rows_of(coverage(predictions, {0.2: found}), "mlp")
    assert not table.query("by == 'all'")["inside"].any()


def test_groups_share_out_every_star_once():
    table = pd.DataFrame({"x": [1.0, 2.0, 2.0, 3.0, 10.0]})
    (first, everything), *bins = grouped(table, {"x": np.array([1.0, 2.0, 5.0, 9.0])})
    assert first["by"] == "all"
    assert len(everything) == 5
    assert [rows["x"].tolist() for _, rows in bins] == [[1.0], [2.0, 2.0, 3.0], [10.0]]  # half-open, ends taken along
    assert [(about["low"], about["high"]) for about, _ in bins] == [(1, 2), (2, 5), (5, 10)]


def test_residuals_of_a_known_distribution():
    """Normal residuals with a bias and 2 % gross errors, in numbers that a loop over the stars gives, too."""
    rng = np.random.default_rng(7)
    stars = simulated(n_test=3200)
    test = stars["split"] == "test"
    wrong = rng.random(test.sum()) < 0.02
    stars.loc[test, "mlp"] = stars.loc[test, "log_g"] + 0.1 + 0.3 * rng.normal(size=test.sum()) + 9 * wrong
    table = rows_of(residuals(stars, DEPLOYED, resamples=200, confidence=0.95, seed=1), "mlp")
    row = table.query("label == 'log_g' and by == 'all'").iloc[0]
    delta = (stars["mlp"] - stars["log_g"])[test]
    assert row["bias"] == np.median(delta)
    assert row["bias"] == pytest.approx(0.1 + 0.02 * 0.3 * np.sqrt(np.pi / 2), abs=0.02)
    assert row["scatter"] == pytest.approx(1.482602 * np.median(np.abs(delta - np.median(delta))), rel=1e-5)
    assert row["scatter"] == pytest.approx(0.3, rel=0.05)
    assert row["outliers"] == pytest.approx(np.mean([abs(d) > 3 * row["scatter"] for d in delta]))
    assert row["outliers"] > 0.02
    assert row["bias_ci_low"] < row["bias"] < row["bias_ci_high"]
    # √(π / 2) σ / √n is the error of a median
    width = 2 * 1.96 * np.sqrt(np.pi / 2) * 0.3 / np.sqrt(3200)
    assert row["bias_ci_high"] - row["bias_ci_low"] == pytest.approx(width, rel=0.3)
    bins = table.query("label == 'log_g' and by == 'snr_measured'")
    assert bins["n_test"].tolist() == [400] * 8
    assert (bins["median"].diff()[1:] > 0).all()


def test_intervals_of_residuals_are_those_of_scipy(predictions):
    """Of several models that share stars and columns, and of one that is missing for some stars."""
    holes = predictions.copy()
    test = holes.index[holes["split"] == "test"]
    holes.loc[test[:301], ["ridge", "T_eff_ridge", "M_H_ridge"]] = np.nan
    for table in (predictions, holes):
        found = residuals(table, DEPLOYED, resamples=250, confidence=0.9, seed=3)
        assert found["model"].tolist() == ["ridge"] * 99 + ["mlp"] * 99
        for model in ("ridge", "mlp"):
            for label, column in (("log_g", model), ("M_H", f"M_H_{model}")):
                delta = (table[column] - table[label])[test].dropna().to_numpy()
                row = found.query("model == @model and label == @label and by == 'all'").iloc[0]
                assert row["n_test"] == len(delta)
                for name, statistic in (("bias", np.median), ("scatter", scatter)):
                    expected = bootstrap(
                        (delta,), statistic, n_resamples=250, confidence_level=0.9, method="percentile",
                        rng=np.random.default_rng(3),
                    ).confidence_interval  # fmt: skip
                    assert (row[f"{name}_ci_low"], row[f"{name}_ci_high"]) == pytest.approx(tuple(expected), rel=1e-12)


def test_tables_are_of_every_level_at_the_largest_number_of_training_stars(predictions):
    few = predictions.assign(n_train=50, mlp=9.0)
    noisy = predictions.assign(noise_level=1.0)
    every = pd.concat([few, predictions, few.assign(noise_level=1.0), noisy], ignore_index=True)
    calibrations = {level: calibration(every[every["noise_level"] == level], DEPLOYED) for level in (0.2, 1.0)}
    alone = calibration(predictions, DEPLOYED)
    assert calibrations == {0.2: alone, 1.0: alone}
    settings = {"resamples": 100, "confidence": 0.95}
    for made, once in (
        (coverage(every, calibrations), coverage(predictions, {0.2: alone})),
        (residuals(every, DEPLOYED, seed=0, **settings), residuals(predictions, DEPLOYED, seed=0, **settings)),
        (giants_dwarfs(every, DEPLOYED, confidence=0.95), giants_dwarfs(predictions, DEPLOYED, confidence=0.95)),
    ):
        assert list(made.columns[:2]) == ["noise_level", "model"]
        pd.testing.assert_frame_equal(made, pd.concat([once, once.assign(noise_level=1.0)], ignore_index=True))


def test_a_slow_model_is_calibrated_by_the_stars_that_it_predicts(predictions):
    some = predictions.copy()
    some.loc[some.index % 3 > 0, "ridge"] = np.nan
    found = calibration(some, DEPLOYED)["models"]
    assert found["mlp"] == calibration(predictions, DEPLOYED)["models"]["mlp"]
    assert sum(found["ridge"]["intervals"]["n"]) == 200
    table = coverage(some, {0.2: calibration(some, DEPLOYED)})
    assert table.query("by == 'all' and model == 'ridge'")["n_test"].eq(500).all()


def test_giants_and_dwarfs_are_counted():
    stars = pd.DataFrame({"split": "test", "log_g": [1, 2, 3, 3.4, 4, 4.5, 3.5], "mlp": [1, 2, 4, 3.4, 3, 4.5, 3.5]})
    stars = stars.assign(T_eff_mlp=5000.0, M_H_mlp=0.0, noise_level=0.2, n_train=10)
    stars = pd.concat([stars, stars.assign(split="val", mlp=9)])
    giant, dwarf = giants_dwarfs(stars, ["mlp"], confidence=0.95).itertuples()
    assert (giant.n_test, giant.predicted_giant, giant.predicted_dwarf) == (4, 3, 1)
    assert (dwarf.n_test, dwarf.predicted_giant, dwarf.predicted_dwarf) == (3, 1, 2)
    assert (giant.completeness, giant.contamination) == (3 / 4, 1 / 4)
    assert (dwarf.completeness, dwarf.contamination) == (2 / 3, 1 / 3)
    # Wilson (1927): (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96, p = 3/4, n = 4
    assert (giant.completeness_ci_low, giant.completeness_ci_high) == pytest.approx((0.3006, 0.9544), abs=1e-3)
    alone = giants_dwarfs(stars[stars["log_g"] > 3.5].assign(mlp=5.0), ["mlp"], confidence=0.95)
    assert np.isnan(alone.loc[0, ["completeness", "contamination"]].astype(float)).all()
