"""A run whose spectra have nuisances, through the whole workflow and on spectra with gaps."""

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.table import Table

from gravispec.models.flags import BITS
from gravispec.models.trained import TrainedRun
from gravispec.observed.reading import FEW
from gravispec.predict import Chosen, load_runs, predict_files, reading_by
from gravispec.spectra.model_error import model_sigma
from gravispec.spectra.nuisances import KINDS, measured_pixels, within
from gravispec.spectra.stress import LIGHT
from tests.conftest import REPO

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def survey(smoke):
    process = smoke.snakemake("-c2", "results/survey_smoke/summary.csv")
    assert process.returncode == 0, process.stderr
    return smoke.path / "results/survey_smoke"


@pytest.fixture(scope="module")
def stars(smoke, survey):
    """Test stars, their noisy flux and its 1σ."""
    table = pd.read_parquet(smoke.path / "results/spectra/survey_smoke/stars.parquet").query("split == 'test'")
    return table.reset_index(drop=True), *(read("survey_smoke", splits=["test"]) for read in (smoke.flux, smoke.sigma))


def labels_of(survey, path, **options):
    """The rows of a file in a catalogue."""
    runs = load_runs([survey])
    ((_, table, problem),) = predict_files(runs, [path], reading_by(runs, **options))
    assert problem == ""
    return table


def written(path, wave, flux, error):
    table = Table({"wave": np.tile(wave, (len(flux), 1)), "flux": flux, "error": error})
    table["wave"].unit = "Angstrom"
    table["flux"].unit = table["error"].unit = "erg s-1 cm-2 Angstrom-1"
    table.meta["AIRORVAC"] = "VACUUM"
    table.write(path)
    return path


def test_its_stars_have_nuisances_and_the_errors_that_are_given_are_wrong_by_a_factor(smoke, survey, stars):
    table, flux, sigma = stars
    assert {*KINDS, "missing_8110_8360", "missing_8396_8402"} <= set(table)
    wave = np.load(smoke.path / "results/spectra/survey_smoke/wave.npy")
    clean = np.load(smoke.path / "results/spectra/survey_smoke/flux/test_0.npy")
    np.testing.assert_allclose(np.median(clean, axis=1), 1, rtol=1e-5)
    measured = measured_pixels(table, wave)
    clean = clean / np.nanmedian(np.where(measured, clean, np.nan) / np.where(measured, flux, np.nan), axis=1)[:, None]
    scales = yaml.safe_load((REPO / "config/config.yaml").read_text())["datasets"]["survey_smoke"]["nuisances"]
    noise = sigma / table["error_factor"].to_numpy()[:, None]
    of_model = np.hypot(model_sigma(wave, 1.6, scales), scales["smooth"])  # which errors do not tell of
    scatter = np.nanstd(np.where(measured, (flux - clean) / np.hypot(noise, of_model), np.nan), axis=1)
    np.testing.assert_allclose(np.median(scatter), 1, atol=0.03)
    assert np.median(np.nanstd(np.where(measured, (flux - clean) / noise, np.nan), axis=1)) > 1.1
    assert table["error_factor"].std() > 0.05


def test_its_network_does_not_mind_what_moves_a_ridge(smoke, survey):
    assert smoke.snakemake("-c2", "results/moe_smoke/stress.csv").returncode == 0
    ours, plain = (pd.read_csv(smoke.path / f"results/{run}/stress.csv") for run in ("survey_smoke", "moe_smoke"))
    ours, plain = (
        table[table["model"] == model].set_index("stress")["bias_change"]
        for table, model in ((ours, "survey_network"), (plain, "global_ridge"))
    )
    for stress in ("reddening_0p3", "slope_10", "constant_0p2", "vsini_100", "resolution_2000"):
        assert abs(ours[stress]) < 0.25 * abs(plain[stress])
        assert abs(ours[stress]) < 0.15
    summary = pd.read_csv(survey / "summary.csv").set_index("model")["r2"]
    assert summary["survey_network_full"] > summary["global_full"] + 0.1


def test_pixels_that_are_not_measured_count_for_nothing_and_any_part_of_the_range_will_do(survey, stars, tmp_path):
    wave, (_, flux, sigma) = TrainedRun.load(survey / "model.safetensors").wave, (part[:40] for part in stars)
    plain = {"windows": "keep", "velocity": 0.0}
    whole = labels_of(survey, written(tmp_path / "whole.fits", wave, flux, sigma), **plain)
    holes, error = flux.copy(), sigma.copy()
    holes[:, 300:700], error[:, 300:700] = 1e4, 0  # errors of zero are no measurements
    one = labels_of(survey, written(tmp_path / "holes.fits", wave, holes, error), **plain)
    holes[:, 300:700], error[:, 300:700] = np.nan, np.nan
    other = labels_of(survey, written(tmp_path / "nan.fits", wave, holes, error), **plain)
    np.testing.assert_allclose(one["log_g"], other["log_g"], atol=1e-5)
    assert one["sigma_log_g"].median() > 0.95 * whole["sigma_log_g"].median()  # of a network that is hardly trained
    part = slice(-900, None)
    red = labels_of(survey, written(tmp_path / "red.fits", wave[part], flux[:, part], sigma[:, part]), **plain)
    assert (red["problem"] == "").all()
    assert red["sigma_log_g"].median() > 1.02 * whole["sigma_log_g"].median()
    np.testing.assert_allclose(red["filled"], 1 - 900 / len(wave), atol=1e-3)
    for table in (one, red):
        assert not (table["flags"] & BITS["MASKED"]).any()
        assert (np.abs(table["log_g"] - whole["log_g"]) < 4 * table["sigma_log_g"]).all()
    few = slice(0, int(FEW * len(wave)) - 2)
    nothing = labels_of(survey, written(tmp_path / "few.fits", wave[few], flux[:, few], sigma[:, few]), **plain)
    assert nothing["problem"].str.contains("of the model's pixels are measured; 15% needed").all()
    assert nothing["log_g"].isna().all()


def test_partial_coverage_says_how_much_there_was_and_chi2_is_of_what_is_measured(survey, stars, tmp_path):
    """8380-8850 Å alone; χ² of nine in ten spectra is below the limit, as that of whole spectra is."""
    wave, (_, flux, sigma) = TrainedRun.load(survey / "model.safetensors").wave, (part[:100] for part in stars)
    part = (wave > 8380) & (wave < 8850)
    path = written(tmp_path / "red.fits", wave[part], flux[:, part], sigma[:, part])
    chosen = load_runs([survey])
    ((_, red, _),) = predict_files(chosen, [path], reading_by(chosen, windows="keep", velocity=0.0))
    assert (red["problem"] == "").all()
    assert (red["n_good"] == part.sum()).all()
    assert ((red["flags"] & BITS["UNLIKE_TRAINING"]) == 0).mean() > 0.9
    ((_, whole, _),) = predict_files(
        chosen, [written(tmp_path / "whole.fits", wave, flux, sigma)], reading_by(chosen, windows="keep", velocity=0.0)
    )
    assert red["chi2"].median() == pytest.approx(
        whole["chi2"].median(), rel=0.25
    )  # above 1, by what models are wrong by
    assert np.median(np.abs(red["log_g"] - stars[0]["log_g"][:100]) / red["sigma_log_g"]) < 1.2
    ((_, less, _),) = predict_files(chosen, [path], reading_by(chosen, velocity=0.0))
    windows = np.zeros(len(wave), bool)
    for low, high in chosen[0].run.windows:
        windows |= within(wave, low, high)
    assert (less["n_good"] == (part & ~windows).sum()).all()


def test_velocities_are_measured_where_none_is_given(survey, stars, tmp_path):
    """Of the run without a forward model by the mean star."""
    wave, (table, flux, sigma) = TrainedRun.load(survey / "model.safetensors").wave, (part[:100] for part in stars)
    factor = np.sqrt((1 + 150 / LIGHT) / (1 - 150 / LIGHT))
    found = labels_of(survey, written(tmp_path / "fast.fits", wave * factor, flux, sigma))
    measured = (found["flags"] & BITS["VELOCITY"]) == 0
    assert measured.mean() > 0.9
    assert np.abs(found["velocity"] - 150 - table["velocity"])[measured].median() < 5
    assert (found["velocity"][~measured] == 0).all()
    assert found["velocity_error"].isna().equals(~measured)
    rest = labels_of(survey, written(tmp_path / "rest.fits", wave, flux, sigma))
    assert (np.abs(found["log_g"] - rest["log_g"]) / rest["sigma_log_g"])[measured].median() < 0.3


def test_a_spectrum_of_which_every_pixel_is_masked_is_named_and_loses_no_other(survey, stars, tmp_path):
    wave, (_, flux, sigma) = TrainedRun.load(survey / "model.safetensors").wave, (part[:3] for part in stars)
    sigma = sigma.copy()
    sigma[1] = 0
    table = labels_of(survey, written(tmp_path / "one.fits", wave, flux, sigma))
    assert table["problem"].tolist() == ["", table["problem"][1], ""]
    assert "no pixel" in table["problem"][1]
    assert table["log_g"].isna().tolist() == [False, True, False]


def test_the_unit_of_errors_is_measured_within_its_prior(survey, stars, tmp_path):
    """Errors that are wrong by 15 % move nothing but stars whose noise seems to be beyond the prior of its unit."""
    run = TrainedRun.load(survey / "model.safetensors")
    chosen = Chosen(run, run.levels[0], "survey_network")
    assert chosen.knows_gaps
    near = stars[0]["error_factor"].between(0.92, 1.08).to_numpy()
    flux, sigma = (part[near][:60] for part in stars[1:])
    one, other = (chosen.level.predict(flux, factor * sigma, chosen.model) for factor in (1.0, 1.15))
    moved = np.abs(one["log_g"] - other["log_g"]) / one["sigma_log_g"]
    assert np.quantile(moved, 0.9) < 0.15
    assert (moved < 1).all()
