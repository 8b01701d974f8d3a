"""No command writes onto what it reads, or onto files of a run: refused, in one line, before anything is read."""

import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from gravispec import cli
from gravispec.data.files import atomic
from gravispec.data.outputs import checked_output, same_file, unique_files
from gravispec.errors import InputError
from tests.conftest import REPO
from tests.small_run import write_run, write_spectra
from workflow.scripts.lib.parts import part_names


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pipeline with one run, the user's spectra, and second names of all of them; nothing in it may change."""
    root = tmp_path_factory.mktemp("outputs")
    run = write_run(root / "results/small")
    (root / "Snakefile").touch()
    for name in ("results/small/summary.csv", "results/small/experts/0.csv", "results/spectra/lte/stars.parquet",
                 "results/catalogues/mine/a.rows.parquet", "data/train.csv", "data/table.csv"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    listed = {"inputs": {"data/train.csv": {}}, "outputs": {"results/small/summary.csv": {}}}
    (run / "provenance.json").write_text(json.dumps(listed))
    write_spectra(root / "mine.fits")
    (root / "symlink.fits").symlink_to("mine.fits")
    (root / "hardlink.fits").hardlink_to(root / "mine.fits")
    (root / "folder").symlink_to(".")
    (root / "to_run").symlink_to("results/small")
    (root / "summary.csv").hardlink_to(run / "summary.csv")
    (root / "DIR.fits").mkdir()
    os.mkfifo(root / "pipe.fits")
    (root / "device.csv").symlink_to("/dev/null")
    (root / "archive").mkdir()
    (root / "archive/results").symlink_to(root / "results")
    write_run(root / "elsewhere", noise_level=1.0)
    (root / "elsewhere/mine.csv").write_text("a table of the user's")
    (root / "old.fits").write_text("an old catalogue")
    return root


def digests(root):
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()}


def predict(root, output, *more, monkeypatch):
    monkeypatch.chdir(root)
    arguments = ["predict", "mine.fits", "--run", "results/small", *more, "--overwrite", "-o", output]
    return CliRunner().invoke(cli.main, arguments)


INPUTS = ["mine.fits", "./mine.fits", "symlink.fits", "hardlink.fits", "folder/mine.fits", "DIR.fits/../mine.fits"]
RUN_FILES = [
    "results/small/summary.csv",
    "results/small/new.csv",
    "results/small/experts/0.csv",
    "results/small/experts/../summary.csv",
    "to_run/summary.csv",
    "archive/results/small/summary.csv",
    "summary.csv",
    "results/spectra/lte/stars.parquet",
    "results/catalogues/mine/a.rows.parquet",
    "data/train.csv",
    "elsewhere/mine.csv",
]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        *((name, "is the input mine.fits") for name in INPUTS),
        *((name, "is a file of ") for name in RUN_FILES),
        ("DIR.fits", "is a folder"),
        ("pipe.fits", "is no regular file"),
        ("device.csv", "is no regular file"),
        ("no/cat.fits", "there is no folder no"),
        ("mine.fits/cat.fits", "there is no folder"),
        ("/proc/cat.fits", "cannot be written"),
        (f"{'x' * 300}.fits", "cannot be written"),
        ("cat.txt", "ends in"),
    ],
)
def test_predict_destroys_nothing_it_should_not(made, monkeypatch, output, message):
    before = digests(made)
    monkeypatch.setattr("gravispec.predict.load_runs", lambda *_: pytest.fail("something was read"))
    result = predict(made, output, "--run", "elsewhere", monkeypatch=monkeypatch)
    assert result.exit_code == 1
    assert f"error: {output.removeprefix('./')}: " in result.output
    assert message in result.output
    assert result.output.count("\n") <= 1
    assert digests(made) == before


@pytest.mark.parametrize("output", ["old.fits", "new.fits", "results/mine.fits", "results/catalogues/mine.fits",
                                    "data/table.csv", f"{'ö' * 120}.csv"])  # fmt: skip
def test_predict_writes_where_it_may(made, monkeypatch, output):
    result = predict(made, output, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert f"{output}: 3 spectra of 1 files" in result.output


def test_an_old_file_is_not_replaced_unasked(made, monkeypatch):
    monkeypatch.chdir(made)
    result = CliRunner().invoke(cli.main, ["predict", "mine.fits", "--run", "elsewhere", "-o", "data/table.csv"])
    assert result.exit_code == 1
    assert "is there already; remove it, or give --overwrite" in result.output


def test_two_names_of_one_file_are_read_once(made, monkeypatch):
    result = predict(made, "twice.csv", "symlink.fits", "mine.fits", "none.fits", "none.fits", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "warning: symlink.fits: is the file mine.fits, which is named before" in result.output
    assert "twice.csv: 3 spectra of 1 files, 1 bad files" in result.output
    assert pd.read_csv(made / "twice.csv")["file"].tolist() == ["mine.fits"] * 3
    assert unique_files(["a", "b", "./a"]) == (["a", "b"], [("./a", "a")])


def test_the_case_of_letters_is_asked_of_the_file_system(monkeypatch, tmp_path):
    """On a file system that takes Mine.fits for mine.fits ``samefile`` says so."""
    (tmp_path / "mine.fits").write_text("spectra")
    ask = os.path.samefile
    monkeypatch.setattr(os.path, "samefile", lambda a, b: ask(str(a).lower(), str(b).lower()))
    with pytest.raises(InputError, match="is the input"):
        checked_output(tmp_path / "MINE.fits", inputs=[tmp_path / "mine.fits"], overwrite=True)
    assert not same_file(tmp_path / "none", tmp_path / "none")
    assert not same_file(tmp_path / "mine.fits", "a\0b")


@pytest.mark.parametrize("output", ["results/spectra/mine/wave.npy", "results/spectra/mine/flux/test_0.npy", "wave.npy",
                                    "data/train.csv", "results/spectra/mine/new.h5", "elsewhere/model.safetensors",
                                    "DIR.fits", "data/table.csv"])  # fmt: skip
def test_export_destroys_nothing_it_should_not(made, monkeypatch, output):
    monkeypatch.chdir(made)
    dataset = made / "results/spectra/mine"
    (dataset / "flux").mkdir(parents=True, exist_ok=True)
    np.save(dataset / "wave.npy", np.arange(3.0))
    np.save(dataset / "flux/test_0.npy", np.ones((2, 3)))
    if not (made / "wave.npy").exists():
        (made / "wave.npy").hardlink_to(dataset / "wave.npy")
    before = digests(made)
    replace = ["--overwrite"] * (output != "data/table.csv")
    result = CliRunner().invoke(cli.main, ["export", output, "--dataset", "results/spectra/mine", *replace])
    assert result.exit_code == 1
    assert f"error: {output}: is " in result.output
    assert digests(made) == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["benchmarks.built_in_spectra", "REF.npz", "--figure", "REF.npz"], "is the input REF.npz"),
        (["benchmarks", "--quick", "--output", "none"], "there is no folder none"),
        (["benchmarks", "--quick", "--output", "results/small"], "is a file of"),
        (["benchmarks.naive_moe", "--folder", "data"], "data/stars.parquet: is there already"),
        (["benchmarks.naive_moe", "--folder", "results/spectra/lte"], "is a file of"),
    ],
)
def test_benchmarks_ask_before_they_measure(made, command, message):
    (made / "REF.npz").write_bytes(b"reference")
    (made / "data/stars.parquet").write_text("stars")
    before = digests(made)
    process = subprocess.run([sys.executable, "-m", *command], cwd=made, env={**os.environ, "PYTHONPATH": str(REPO)},
                             capture_output=True, text=True, timeout=60)  # fmt: skip
    assert process.returncode == 1
    assert message in process.stderr
    assert "Traceback" not in process.stderr
    assert digests(made) == before


def test_names_as_long_as_a_name_may_be_can_be_written(tmp_path):
    for stem in ("x" * 251, "ö" * 125, "ö" * 100):
        with atomic(tmp_path / f"{stem}.csv") as part:
            part.write_text("1")
        assert (tmp_path / f"{stem}.csv").read_text() == "1"
    assert len(list(tmp_path.iterdir())) == 3


def test_no_two_files_are_one_part_of_a_catalogue():
    """One of them would be missing in the catalogue, without a word."""
    paths = ["data/a.fits", "data/a b.fits", "data/a_b.fits", "data/A_b.fits", "Köln.fits"]
    paths += [f"{folder * 200}/a.fits" for folder in ("ö", "x", "y")]
    found = part_names(paths)
    assert list(found.values()) == paths
    assert len({name.casefold() for name in found}) == len(paths)
    assert max(len(name.encode()) for name in found) < 200
    assert all(re.fullmatch(r"[\w.-]+", name) for name in found)
    assert found["data_a.fits"] == "data/a.fits"
    assert found["Köln.fits"] == "Köln.fits"
