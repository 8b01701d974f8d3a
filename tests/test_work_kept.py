"""Finished rows are never thrown away: names that no format can hold, full disks, signals, closed streams."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Column, Table
from click.testing import CliRunner

from gravispec import catalogue, cli, predict
from gravispec.data.text import NOT_FITS, NOT_TEXT, encoded
from gravispec.rescue import kept
from tests.conftest import REPO
from tests.small_run import write_run, write_spectra

ENDINGS = ["fits", "ecsv", "parquet", "csv"]
NAMES = ["Köln.fits", "星 α.fits", "50 %.fits", "a\nb.fits", os.fsdecode(b"K\xf6ln.fits"), "it's \u2028, 'x'.fits"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    write_run(folder / "run")
    for name in ("a.fits", "b.fits", *NAMES):
        write_spectra(folder / name)
    (folder / "bad.fits").write_bytes((folder / "a.fits").read_bytes()[:9000])
    return folder


def as_utf8(name):
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def read(path):
    if path.suffix == ".csv":  # no value is missing: 'nan' and '' are texts
        return Table.from_pandas(pd.read_csv(path, keep_default_na=False, dtype={"file": str, "star_id": str}))
    return Table.read(path, **({"format": "ascii.ecsv"} if path.suffix == ".ecsv" else {}))


def texts(table, name):
    decode = "ENCODING" in table.meta
    return [unquote(str(t), errors="surrogateescape") if decode else str(t) for t in table[name]]


@pytest.mark.parametrize("ending", ENDINGS)
def test_texts_come_back_from_every_format(ending, tmp_path):
    """Any characters, also bytes that are no text, in rows and in the header: seed 0, 200 texts."""
    rng = np.random.default_rng(0)
    pool = [chr(c) for c in (*range(1, 0x250), 0x2028, 0x4E00, 0x1F600, *range(0xDC80, 0xDD00))] + ["'", "%", "&", '"']
    ids = ["".join(rng.choice(pool, rng.integers(1, 60))) for _ in range(200)]
    ids = [as_utf8(text.strip() or "x") for text in ids]  # no two escapes that are one character
    table = pd.DataFrame({"log_g": np.arange(200.0), "star_id": pd.Series(ids, dtype=object)})
    meta = {"COMMAND": " ".join(ids) + "\n&", "NOISE1": 0.2, "RUN1": "short"}
    assert catalogue.write(table, tmp_path / f"c.{ending}", meta)
    found = read(tmp_path / f"c.{ending}")
    if ending == "csv":
        found.meta["ENCODING"] = "as documented"
    else:
        assert "urllib.parse.unquote" in found.meta["ENCODING"]
        assert unquote(found.meta["COMMAND"], errors="surrogateescape") == meta["COMMAND"]
        assert found.meta["NOISE1"] == 0.2
    assert texts(found, "star_id") == ids


@pytest.mark.parametrize("ending", ENDINGS)
def test_texts_that_a_format_holds_are_written_as_they_are(ending, tmp_path):
    ids = ["a%20b", "100 %", "a,b", 'say "x"'] + ["Köln α"] * (ending != "fits")
    table = pd.DataFrame({"star_id": ids, "log_g": 1.0})
    command = " ".join(f"a_file_with_a_long_name_{i}.fits" for i in range(3000))
    assert not catalogue.write(table, tmp_path / f"c.{ending}", {"COMMAND": command})
    found = read(tmp_path / f"c.{ending}")
    assert found["star_id"].tolist() == ids
    assert "ENCODING" not in found.meta
    assert ending == "csv" or found.meta["COMMAND"] == command


def test_what_is_encoded_is_what_cannot_be_held():
    assert encoded("a%b é\n\udcf6 ", NOT_FITS) == "a%25b %C3%A9%0A%F6%20"
    assert encoded("a%b é\n\udcf6 ", NOT_TEXT) == "a%25b é%0A%F6 "
    assert unquote(encoded("\ud800%", NOT_FITS), errors="surrogateescape").endswith("%")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_catalogue_of_files_with_any_names(folder, monkeypatch, ending):
    result = invoke(folder, *NAMES, "-o", f"Müller.{ending}", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert f"Müller.{ending}: texts are percent-encoded" in result.output
    found = read(folder / f"Müller.{ending}")
    found.meta["ENCODING"] = "as documented for CSV"
    assert texts(found, "file") == [name for name in NAMES for _ in range(3)]


def test_a_locale_without_unicode_changes_nothing(folder):
    command = [sys.executable, "-m", "gravispec", "predict", *NAMES, "--run", "run", "-o", "Müller_ascii.fits"]
    environment = {"PYTHONPATH": str(REPO), "PATH": os.environ["PATH"], **ASCII}
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=600)
    assert process.returncode == 0, process.stderr
    found = read(folder / "Müller_ascii.fits")
    assert texts(found, "file") == [name for name in NAMES for _ in range(3)]
    command = unquote(found.meta["COMMAND"], errors="surrogateescape")
    assert command.startswith("gravispec predict 'Köln.fits' '星 α.fits'")


def invoke(folder, *arguments, monkeypatch):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli.main, ["predict", *arguments, "--run", "run"])


def rescued(output):
    return re.search(r"finished rows are in (\S+\.rescue\.\S+\.csv)", output)[1]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("a fault")])
def test_a_catalogue_that_cannot_be_written_is_rescued(folder, monkeypatch, ending, error):
    def fail(path):
        raise error

    monkeypatch.setattr("gravispec.data.files.stamp", fail)  # all is written, but not yet under its name
    result = invoke(folder, "a.fits", "bad.fits", "b.fits", "-o", f"full.{ending}", monkeypatch=monkeypatch)
    assert result.exit_code == 1
    assert not (folder / f"full.{ending}").exists()
    assert len(pd.read_csv(rescued(result.output))) == 6
    assert "6 finished rows" in result.output
    assert not list(folder.glob(".*.part*"))
    if isinstance(error, OSError):
        assert "(No space left on device)" in result.output
    else:
        assert result.exception is error  # a fault is not hidden


def test_where_no_file_can_be_written_rows_are_printed(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gravispec.data.files.stamp", full)
    monkeypatch.setattr("gravispec.rescue.tempfile.NamedTemporaryFile", full)
    monkeypatch.setattr(catalogue, "checked_target", lambda path, **_: Path(path))
    result = invoke(folder, "a.fits", "-o", "limit.fits", monkeypatch=monkeypatch)
    assert result.exit_code == 1
    assert "3 finished rows are in the standard output (CSV)" in result.stderr
    assert result.stdout.splitlines()[0].startswith("star_id,file,log_g,")
    assert len(result.stdout.splitlines()) == 4
    assert not [path for path in folder.iterdir() if "limit" in path.name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_midway_keeps_what_is_finished(folder, monkeypatch, request, number):
    outside = signal.signal(number, signal.default_int_handler)  # a signal that was ignored would be left so
    request.addfinalizer(lambda: signal.signal(number, outside))
    before = signal.getsignal(number)
    batches = predict.prepared_batches

    def interrupted(path, *arguments, **reading):
        yield from batches(path, *arguments, **reading)
        if path == "b.fits":  # its rows are finished, it is not
            os.kill(os.getpid(), number)
            time.sleep(1)

    monkeypatch.setattr(predict, "prepared_batches", interrupted)
    result = invoke(folder, "a.fits", "b.fits", "-o", "signal.fits", monkeypatch=monkeypatch)
    assert result.exit_code == 128 + number
    found = pd.read_csv(rescued(result.output))["file"].tolist()
    assert f"signal.fits: not written ({number.name}); the {len(found)} finished rows are in" in result.output
    assert found in (["a.fits"] * 3, ["a.fits"] * 3 + ["b.fits"] * 3)
    assert not (folder / "signal.fits").exists()
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("redirection", "output"),
    [("2>/dev/full >&-", "full.fits"), ("2>&- <&-", "closed.fits"), ("2>&1 | true", "pipe.fits")],
)
def test_messages_that_cannot_be_written_end_nothing(folder, redirection, output):
    command = f"{sys.executable} -m gravispec predict a.fits bad.fits a.fits b.fits --run run -o {output} {redirection}"
    process = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, timeout=600,
                             env={**os.environ, "PYTHONPATH": str(REPO)})  # fmt: skip
    assert process.returncode == 0
    with fits.open(folder / output) as hdus:
        hdus.verify("exception")
        assert len(hdus[1].data) == 6


def test_a_file_that_may_not_be_read_is_named_and_the_others_are_read(folder, monkeypatch):
    """Click must not end the command with 2; the reading process says what is wrong."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    result = invoke(folder, "a.fits", "run", "none.fits", "b.fits", "-o", "some.csv", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "error: run: " in result.output
    assert "error: none.fits: " in result.output
    assert "6 spectra of 2 files, 2 bad files" in result.output


def test_rows_are_rescued_elsewhere_where_the_folder_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"star_id": pd.Series(["\udcf6", "b"], dtype=object)})
    with pytest.raises(SystemExit), kept([table], tmp_path / "gone/cat.fits"):
        raise OSError(errno.EIO, "Input/output error")
    [path] = tmp_path.glob("cat.rescue.*.csv")
    assert pd.read_csv(path)["star_id"].tolist() == ["%F6", "b"]


def test_units_and_descriptions_are_still_there(tmp_path):
    table = pd.DataFrame({"star_id": ["ö"], "T_eff": [5000.0]})
    catalogue.write(table, tmp_path / "c.fits", {"RUN1": "r"})
    found = Table.read(tmp_path / "c.fits")
    assert isinstance(found["T_eff"], Column)
    assert found["T_eff"].unit == "K"
    assert fits.getheader(tmp_path / "c.fits", 1)["TCOMM2"] == "effective temperature"
