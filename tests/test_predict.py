"""A trained run applied to files of spectra: the catalogue, its files, and what it says of bad ones."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from astropy.table import QTable, Table
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gravispec.errors import InputError
from gravispec.models.flags import BITS, combine
from gravispec.models.trained import TrainedRun
from gravispec.observed.prepared import Prepared
from gravispec.predict import Chosen, catalogue_rows, load_runs, nearest_run
from tests.conftest import REPO

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(smoke):
    return TrainedRun.load(smoke.path / "results/moe_smoke/model.safetensors")


@pytest.fixture(scope="module")
def chosen(run):
    """Its one level, with the labels of mlp in front."""
    return Chosen(run, run.levels[0], "mlp")


def with_about(run, **about):
    """The run with something else in what its level says of itself."""
    (level,) = run.levels
    return replace(run, levels=(replace(level, about=level.about | about),))


@pytest.fixture(scope="module")
def stars(smoke):
    """Test stars of the smoke run: their row of the predictions, noisy flux and its error."""
    table = pd.read_parquet(smoke.path / "results/moe_smoke/predictions.parquet").query("split == 'test'")
    error = smoke.sigma(splits=["test"])
    return table.reset_index(drop=True), smoke.flux(splits=["test"]), error.astype(np.float32)


def write_spectra(path, wave, ids, flux, error):
    table = Table({"star_id": ids, "wave": np.tile(wave, (len(ids), 1)), "flux": flux, "error": error})
    table["wave"].unit = "Angstrom"
    table["flux"].unit = table["error"].unit = "erg s-1 cm-2 Angstrom-1"
    table.meta["AIRORVAC"] = "VACUUM"
    table.write(path)


def gravispec(*arguments, cwd):
    command = [sys.executable, "-m", "gravispec", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env={"PYTHONPATH": str(REPO)}, text=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def folder(smoke, run, stars, tmp_path_factory):
    """Two good files of 300 and 20 test stars, in units of a survey, and a bad one."""
    folder = tmp_path_factory.mktemp("observed")
    table, flux, error = stars
    for name, rows in (("a.fits", slice(300)), ("b.fits", slice(300, 320))):
        ids = table["star_id"][rows].to_numpy(dtype=str)
        write_spectra(folder / name, run.wave, ids, 3e-17 * flux[rows], 3e-17 * error[rows])
    (folder / "bad.fits").write_bytes((folder / "a.fits").read_bytes()[:5000])
    return folder


def test_a_file_of_test_stars_gives_their_predictions(folder, smoke, stars, run):
    model = smoke.path / "results/moe_smoke"
    process = gravispec("predict", "a.fits", "b.fits", "--run", model, "-o", "cat.fits", cwd=folder)
    assert process.returncode == 0, process.stderr
    assert "a.fits: 300 spectra, 0 unusable" in process.stderr
    catalogue, table = QTable.read(folder / "cat.fits"), stars[0][:320]
    assert catalogue["star_id"].tolist() == table["star_id"].tolist()
    assert catalogue["file"].tolist() == ["a.fits"] * 300 + ["b.fits"] * 20
    pairs = {"log_g": "mlp", "T_eff": "T_eff_mlp", "M_H": "M_H_mlp", "snr": "snr_measured"}
    pairs |= {f"log_g_{m}": m for m in ("global_ridge", "hard", "classify", "linear", "mlp_fallback")}
    pairs |= {"chi2": "chi2"} | {f"weight_{k}": f"w_mlp_{k}" for k in range(9)}
    for mine, theirs in pairs.items():
        values = getattr(catalogue[mine], "value", catalogue[mine])
        np.testing.assert_allclose(values, table[theirs], rtol=1e-4, atol=1e-4, err_msg=mine)  # float32 of other units
    assert catalogue["T_eff"].unit == "K"
    for label in ("log_g", "T_eff", "M_H"):
        inner, outer = (catalogue[f"{label}_hi{c}"] - catalogue[f"{label}_lo{c}"] for c in (68, 95))
        assert (outer > inner).all()
    covered = (catalogue["log_g_lo95"] < table["log_g"]) & (table["log_g"] < catalogue["log_g_hi95"])
    assert 0.88 < covered.mean() < 0.99
    outside = (catalogue["M_H"] < -2) | (catalogue["M_H"] > 0.5)
    outside |= (catalogue["T_eff"].value < 3750) | (catalogue["T_eff"].value > 6000)
    np.testing.assert_array_equal((catalogue["flags"] & BITS["OUTSIDE_LABELS"]) > 0, outside)
    meta = catalogue.meta
    assert meta["RUN1"] == "moe_smoke"
    assert meta["COMMAND"].startswith("gravispec predict a.fits b.fits --run")
    assert meta["FLAG1"].startswith("OUTSIDE_LABELS: ")
    assert meta["FLAG1024"].startswith("SLOPE: ")
    assert meta["NOTFLAG"].startswith("not marginalised")
    assert meta["CODE1"] == run.about["code"]


@pytest.mark.parametrize("ending", ["ecsv", "parquet", "csv"])
def test_other_formats_say_the_same(folder, smoke, ending):
    model = smoke.path / "results/moe_smoke/model.safetensors"
    process = gravispec("predict", "b.fits", "--run", model, "-o", f"cat.{ending}", cwd=folder)
    assert process.returncode == 0, process.stderr
    other = QTable.read(folder / f"cat.{ending}", format=f"ascii.{ending}" if ending != "parquet" else "parquet")
    assert len(other) == 20
    assert list(other.columns)[:3] == ["star_id", "file", "log_g"]
    if ending != "csv":
        assert other["T_eff"].unit == "K"
        assert other["log_g_lo68"].info.description == "lower limit of the 68 % interval of log_g"
        assert other.meta["RUN1"] == "moe_smoke"


def test_a_bad_file_is_named_and_the_good_ones_come_out(folder, smoke):
    model = smoke.path / "results/moe_smoke"
    arguments = ["predict", "b.fits", "bad.fits", "none.fits", "--run", model, "--overwrite"]
    process = gravispec(*arguments, "-o", "some.csv", cwd=folder)
    assert process.returncode == 0
    assert "error: bad.fits" in process.stderr
    assert "error: none.fits" in process.stderr
    assert "some.csv: 20 spectra of 1 files, 2 bad files" in process.stderr
    assert len(pd.read_csv(folder / "some.csv")) == 20
    assert gravispec(*arguments, "--strict", "-o", "strict.csv", cwd=folder).returncode == 1
    assert len(pd.read_csv(folder / "strict.csv")) == 20
    process = gravispec("predict", "bad.fits", "--run", model, "-o", "no.csv", cwd=folder)
    assert process.returncode == 1
    assert "no catalogue is written" in process.stderr
    assert not (folder / "no.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.fits"], "a.fits: is the input a.fits; write to another name"),
        (["-o", "b.fits"], "b.fits: is there already; remove it, or give --overwrite"),
        (["-o", "cat.txt"], r"cat.txt: a catalogue ends in .fits, .ecsv, .parquet, .csv"),
        (["-o", "no/cat.fits"], "there is no folder no"),
        (["-o", "new.fits", "--run", "{run}"], "run moe_smoke has the same noise level 0.2"),
        (["-o", "new.fits", "--run", "elsewhere"], "elsewhere: no model of gravispec"),
    ],
)
def test_mistakes_on_the_command_line(folder, smoke, arguments, message):
    run = str(smoke.path / "results/moe_smoke")
    process = gravispec("predict", "a.fits", "--run", run, *(a.format(run=run) for a in arguments), cwd=folder)
    assert process.returncode == 1
    assert message in process.stderr
    assert process.stderr.count("\n") == 1


def prepared(flux, error, **changes):
    n = len(flux)
    fields = {"filled": np.zeros(flux.shape, bool), "offset": np.zeros(n), "problem": np.full(n, "")}
    fields |= {"velocity": np.zeros(n), "velocity_error": np.full(n, np.nan), "lost": np.zeros(n, bool)}
    fields |= {"fwhm": np.full(n, np.nan), "has_width": False}
    return Prepared("x.fits", np.arange(n).astype(str), flux, error, **(fields | changes))


def test_flags_and_unusable_rows(chosen, stars):
    _, flux, error = (part[:6] for part in stars)
    filled = np.zeros(flux.shape, bool)
    filled[1, :300] = True
    flux, error = flux.copy(), error.copy()
    flux[2] = np.nan
    flux[3, ::2] *= 1.5
    error[4] *= 30
    problem = np.array(["", "", "no pixel", "", "", ""])
    rows = catalogue_rows(
        [chosen], prepared(flux, error, filled=filled, problem=problem, offset=np.array([0, 0, np.nan, 0, 0, 5.4]))
    )
    named = [{name for name, bit in BITS.items() if flags & bit} for flags in rows["flags"]]
    assert "MASKED" in named[1]
    assert named[2] == {"UNUSABLE"}
    assert rows.loc[2, ["log_g", "T_eff_lo95", "weight_0", "noise_level"]].isna().all()
    assert "UNLIKE_TRAINING" in named[3]
    assert "SNR" in named[4]
    assert "OFFSET" in named[5]
    assert not named[0] & {"MASKED", "SNR", "UNUSABLE", "OFFSET", "UNLIKE_TRAINING"}
    nothing = catalogue_rows([chosen], prepared(flux[2:3], error[2:3], problem=problem[2:3]))
    assert list(nothing.columns) == list(rows.columns)
    assert nothing.loc[0, "flags"] == BITS["UNUSABLE"]


def test_bits_are_one_each():
    found = combine(**{name: np.arange(len(BITS)) == i for i, name in enumerate(BITS)})
    assert found.tolist() == [2**i for i in range(15)]


def test_the_nearest_noise_level_is_used(chosen, stars):
    typical = chosen.level.about["snr_median"]
    noisier = with_about(chosen.run, noise_level=1.0, snr_median=typical / 5)
    noisier = replace(noisier, about=noisier.about | {"run": "noisy"})
    noisier = Chosen(noisier, noisier.levels[0], "classify")
    table, flux, error = (part[:4] for part in stars)
    factor = np.array([1, 8, 0.5, 8], np.float32)[:, None]
    rows = catalogue_rows([chosen, noisier], prepared(flux, error * factor))
    near = np.abs(np.log(rows["snr"] / typical)) < np.abs(np.log(5 * rows["snr"] / typical))
    assert set(near) == {True, False}
    assert (rows["run"] == np.where(near, "moe_smoke", "noisy")).all()
    assert (rows["model"] == np.where(near, "mlp", "classify")).all()
    assert (rows["noise_level"] == np.where(near, 0.2, 1.0)).all()
    np.testing.assert_allclose(rows["log_g"], np.where(near, table["mlp"], table["classify"]), atol=1e-6)
    assert nearest_run([chosen], np.array([np.nan, 3.0])).tolist() == [0, 0]


def test_a_run_of_several_levels_is_all_of_them_and_a_level_stands_once(run, tmp_path):
    several = replace(run, levels=(*run.levels, *with_about(run, noise_level=1.0).levels))
    several.save(tmp_path / "several.safetensors")
    found = load_runs([tmp_path / "several.safetensors"], "linear")
    assert [(one.level.about["noise_level"], one.model) for one in found] == [(0.2, "linear"), (1.0, "linear")]
    run.save(tmp_path / "one.safetensors")
    with pytest.raises(InputError, match=r"has the same noise level 0\.2"):
        load_runs([tmp_path / "several.safetensors", tmp_path / "one.safetensors"])
    with pytest.raises(InputError, match=r"no model 'mpl'; it has .*; did you mean 'mlp'"):
        load_runs([tmp_path / "several.safetensors"], "mpl")


def test_runs_on_other_pixels_are_refused(run, tmp_path):
    (level,) = with_about(run, noise_level=1.0).levels
    other = replace(run, levels=(replace(level, fits=replace(level.fits, wave=run.wave + 1)),))
    run.save(tmp_path / "a.safetensors")
    other.save(tmp_path / "b.safetensors")
    with pytest.raises(InputError, match="have different pixels"):
        load_runs([tmp_path / "a.safetensors", tmp_path / "b.safetensors"])


def test_model_file_is_read_back_and_nothing_else_is(run, stars, tmp_path):
    path = tmp_path / "model.safetensors"
    run.save(path)
    again = TrainedRun.load(path)
    assert again.about == run.about
    _, flux, error = (part[:20] for part in stars)
    for name in run.levels[0].about["shown"]:
        expected = run.levels[0].predict(flux, error, name)
        pd.testing.assert_frame_equal(again.levels[0].predict(flux, error, name), expected)
    assert run.about["config"]["run"]["n_train"] == [2400]
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["gravispec"])
    save_file(
        load_file(path), path, {"gravispec": json.dumps(header | {"format": "gravispec model 0", "version": "0.0.9"})}
    )
    with pytest.raises(InputError, match=r"format 'gravispec model 0', .* or use gravispec 0.0.9"):
        TrainedRun.load(path)
    path.write_bytes(pickle.dumps(run.about))
    with pytest.raises(InputError, match="no model of gravispec"):
        TrainedRun.load(path)


def test_the_rule_makes_the_same_catalogue(folder, smoke, more):
    files = {"files": [str(folder / "?.fits"), str(folder / "bad.fits")], "runs": ["moe_smoke"]}
    process = smoke.snakemake(*more(catalogues={"mine": files}), "results/catalogues/mine.parquet")
    assert process.returncode == 0, process.stdout[-3000:]
    by_rule = QTable.read(smoke.path / "results/catalogues/mine.parquet")
    assert len(by_rule) == 320
    by_hand = load_runs([smoke.path / "results/moe_smoke"])
    assert by_rule.meta["RUN1"] == by_hand[0].run.about["run"]
    problems = (smoke.path / "results/catalogues/mine.parquet.problems.txt").read_text()
    assert problems.count("\n") == 1
    assert "bad.fits" in problems


def test_a_run_on_a_running_continuum_does_not_see_a_flux_slope(run, stars):
    (level,), (flat,) = run.levels, with_about(run, continuum=100).levels
    _, flux, error = (part[:50] for part in stars)
    tilted = flux * np.linspace(0.95, 1.05, flux.shape[1], dtype=np.float32)
    by_median, by_continuum = (
        one.predict(tilted, error, "mlp")["T_eff"] - one.predict(flux, error, "mlp")["T_eff"] for one in (level, flat)
    )
    assert np.abs(by_continuum).median() < 0.05 * np.abs(by_median).median()
