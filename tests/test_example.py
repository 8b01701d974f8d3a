"""The example that the package ships: small, marked, applied by the commands that it prints."""

import re
import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner

from gravispec import cli
from gravispec.config import load
from gravispec.models.trained import TrainedRun
from gravispec.predict import load_runs, notes
from tests.test_project import REPO

SHIPPED = REPO / "gravispec/example"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the example has been copied to and applied as the command says, and what it printed."""
    folder = tmp_path_factory.mktemp("example")
    environment = {"PYTHONPATH": str(REPO)}

    def run(*words):
        command = [sys.executable, "-m", *words]
        process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert process.returncode == 0, process.stderr
        return process

    first = run("gravispec", "example", "here")
    second = run(*shlex.split(first.stdout))
    return folder / "here", second.stderr


def test_it_is_small_and_marked_as_an_example():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir() if path.is_file()) <= 3_000_000
    run = TrainedRun.load(SHIPPED / "model.safetensors")
    assert run.about["run"] == "example"
    assert "an example" in run.about["note"]
    assert "not for science" in run.about["note"]
    assert notes(load_runs([SHIPPED / "model.safetensors"])) == [f"run example: {run.about['note']}"]


def test_predict_says_that_it_is_an_example_and_the_catalogue_keeps_it(folder):
    folder, said = folder
    assert "note: run example: an example" in said
    assert "8 spectra, 0 unusable" in said
    assert fits.getheader(folder / "catalogue.fits", 1)["NOTE1"].startswith("an example")


def test_labels_agree_with_the_truth_within_their_errors(folder):
    catalogue = Table.read(folder[0] / "catalogue.fits")
    spectra = Table.read(folder[0] / "spectra.fits")
    assert catalogue["star_id"].tolist() == spectra["star_id"].tolist()
    assert np.ma.getmaskarray(spectra["error"]).any(), "gaps are part of it"
    for label in ("log_g", "T_eff", "M_H"):
        pull = (catalogue[label] - spectra[f"true_{label}"]) / catalogue[f"sigma_{label}"]
        assert 0.3 < np.sqrt(np.mean(pull**2)) < 2, label  # 8 stars: 1.0 ± 0.25
        assert np.abs(pull).max() < 4


def test_the_tutorial_shows_what_comes_out(folder):
    rows = re.findall(r"^\| (test_\d+) \| ([\d.]+) \|", (REPO / "docs/tutorial.md").read_text(), re.M)
    catalogue = Table.read(folder[0] / "catalogue.fits").to_pandas()
    catalogue.index = catalogue["star_id"].astype(str)
    assert len(rows) == 4
    for star, log_g in rows:  # within the interval: another machine, or a model that is made again
        assert catalogue.loc[star, "log_g_lo68"] < float(log_g) < catalogue.loc[star, "log_g_hi68"]


def test_it_is_the_run_of_its_configuration():
    both = [yaml.safe_load((REPO / f"config/{name}.yaml").read_text()) for name in ("config", "example")]
    merged = {key: both[0][key] | both[1].get(key, {}) if key in both[1] else both[0][key] for key in both[0]}
    config = load(merged)
    about = TrainedRun.load(SHIPPED / "model.safetensors").about["config"]
    assert about["run"]["n_train"] == config.runs["example"].n_train
    assert about["run"]["noise_level"] == config.runs["example"].noise_level
    run = TrainedRun.load(SHIPPED / "model.safetensors")
    pixels = config.grids["example"].pixels
    np.testing.assert_allclose(run.wave, pixels.start + pixels.step * np.arange(pixels.n), atol=1e-6)


def test_what_is_there_is_not_replaced(tmp_path):
    (tmp_path / "spectra.fits").write_text("mine")
    again = CliRunner().invoke(cli.example, [str(tmp_path)])
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert (tmp_path / "spectra.fits").read_text() == "mine"
    assert not (tmp_path / "model.safetensors").exists()
    assert CliRunner().invoke(cli.example, [str(tmp_path), "--overwrite"]).exit_code == 0
    assert (tmp_path / "spectra.fits").read_bytes() == (SHIPPED / "spectra.fits").read_bytes()


def test_the_layout_of_pfs_has_the_labels_of_the_plain_catalogue(folder, tmp_path):
    spectra = str(folder[0] / "spectra.fits")
    arguments = [spectra, "--run", str(SHIPPED / "model.safetensors"), "-o", str(tmp_path / "pfsStarCatalog.fits")]
    assert CliRunner().invoke(cli.predict, arguments).exit_code == 0
    plain = Table.read(folder[0] / "catalogue.fits").to_pandas()
    stars = Table.read(tmp_path / "pfsStarCatalog.fits", "GACATALOG").to_pandas()
    rows = Table.read(tmp_path / "pfsStarCatalog.fits", "STELLARPARAM").to_pandas()
    matrices = fits.getdata(tmp_path / "pfsStarCatalog.fits", "STELLARCOVAR")
    for label in ("log_g", "T_eff", "M_H"):
        np.testing.assert_allclose(stars[label], plain[label], rtol=1e-4)
        mine = rows[rows["param"].astype(str) == label]
        np.testing.assert_allclose(mine["value"], plain[label], rtol=1e-4)
        np.testing.assert_allclose(mine["valueErr"], plain[f"sigma_{label}"], rtol=1e-4)
    np.testing.assert_allclose(matrices[:, 1, 2], plain["cov_log_g_T_eff"], rtol=1e-4)
    pd.testing.assert_series_equal(stars["flags"], plain["flags"], check_dtype=False)
