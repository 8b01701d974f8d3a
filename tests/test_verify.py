"""The files of a finished run against its provenance: missing, changed, unknown; each with a remedy that works."""

import contextlib
import json
import os
import subprocess
import sys

import pytest

from gravispec.data.provenance import provenance
from workflow.verify import incomplete, main

RUN = "results/mine"
SOURCES = ["data/train.h5", "results/noisy/x/train_0.npy", "results/models/x/mlp/model.safetensors"]
SOURCES += [f"{RUN}/{name}" for name in ("model.safetensors", "calibration/noise_0.2.json", "stress/noise_0.2.csv")]
BESIDE = [f"{RUN}/figures/r2.png", f"{RUN}/validated.json"]
SUMMARY = f"{RUN}/summary.csv"


@pytest.fixture
def finished(tmp_path):
    """A finished run, in the working folder."""
    with contextlib.chdir(tmp_path):
        for name in (*SOURCES, *BESIDE, SUMMARY, f"{RUN}/logs/tables.log"):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            (tmp_path / name).write_text(f"1,2,3 {name}")
        found = provenance("mine", SOURCES, {SUMMARY: SUMMARY}, BESIDE, config={"seed": 1}, code={})
        (tmp_path / RUN / "provenance.json").write_text(json.dumps(found))
        yield tmp_path


def lines():
    found = main("mine")
    return found.splitlines() if found else []


def test_an_untouched_run_passes(finished, capsys):
    assert main("mine") == 0
    assert "mine: 9 files are as they were made" in capsys.readouterr().out
    assert list(incomplete(["mine", "never_made"])) == []


@pytest.mark.parametrize("name", [*SOURCES, *BESIDE, SUMMARY])
def test_a_file_that_is_deleted_or_changed_is_named_with_the_remedy(finished, name):
    path = finished / name
    content = path.read_text()
    path.unlink()
    again = f"make it again: snakemake -c2 {name}"
    back = f"put it back, or make the run with it as it is: snakemake -c2 {SUMMARY}"
    assert lines() == [f"{name}: missing; {again if name.startswith('results/') else back}"]
    assert list(incomplete(["mine"])) == [f"mine: 1 files of this finished run are gone ({name}): make verify RUN=mine"]
    path.write_text(content.replace("2", "7"))  # as long as before
    again = f"make it again: snakemake -c2 -f {name}"
    changed = f"{name}: changed since the run: another SHA-256; {again if name.startswith('results/') else back}"
    assert lines() == [changed]
    path.write_text(content + "4")
    assert lines()[0].startswith(f"{name}: changed since the run: {len(content)} bytes then, {len(content) + 1} now; ")
    path.write_text(content)
    assert lines() == []


def test_what_is_not_of_the_run_is_named(finished):
    (finished / f"{RUN}/stress/noise_0.3.csv").write_text("of another configuration")
    (finished / f"{RUN}/logs/stress_0.3.log").write_text("logs are not looked at")
    assert lines() == [f"{RUN}/stress/noise_0.3.csv: not of this run; move it away, or rm {RUN}/stress/noise_0.3.csv"]
    (finished / SOURCES[1]).unlink()
    assert len(lines()) == 2


@pytest.mark.parametrize("damage", [None, "{", '"text"', '{"inputs": {}}', "seed"])
def test_provenance_that_is_gone_or_damaged_is_named(finished, damage):
    path = finished / RUN / "provenance.json"
    content = path.read_text()
    path.unlink()
    if damage:
        path.write_text(content.replace('"seed": 1', '"seed": 2') if damage == "seed" else damage)
    (line,) = lines()
    expected = "damaged" if damage else "missing; make it: snakemake -c2 results/mine/provenance.json"
    assert line.startswith(f"{RUN}/provenance.json: {expected}")
    assert list(incomplete(["mine"])) == []


@pytest.mark.slow
def test_the_remedies_make_the_run_whole_again(smoke):
    def verify():
        command = [sys.executable, "-m", "workflow.verify", "moe_smoke"]
        return subprocess.run(command, cwd=smoke.path, text=True, capture_output=True)

    run, expert = smoke.path / "results/moe_smoke", "results/features/smoke/noise_0.2/train_2400/experts/3.npz"
    folders = (run, smoke.path / "results/features/smoke", smoke.path / "results/models/smoke")
    before = {path: (path.read_bytes(), path.stat()) for f in folders for path in f.rglob("*") if path.is_file()}
    assert verify().returncode == 0, verify().stderr
    table = run / "per_bin.csv"
    try:
        (smoke.path / expert).unlink()
        table.write_text(table.read_text().replace("0.7", "0.8", 1))
        old = before[run / "predictions.parquet"][1]  # no reason for Snakemake to do anything
        os.utime(table, ns=(old.st_atime_ns, old.st_mtime_ns))
        process = smoke.snakemake("-n", "results/moe_smoke/summary.csv")
        assert "Nothing to be done" in process.stdout
        assert f"1 files of this finished run are gone ({expert}): make verify" in process.stdout
        found = verify()
        assert found.returncode == 1
        remedies = [line.split(": ") for line in found.stderr.splitlines()]
        assert [name for name, *_ in remedies] == [expert, "results/moe_smoke/per_bin.csv"]
        for *_, command in reversed(remedies):  # an expert made again makes what depends on it older
            assert smoke.snakemake(*command.split()[2:]).returncode == 0
        assert verify().returncode == 0, verify().stderr
    finally:
        for path, (content, stat) in before.items():
            if not path.exists() or path.stat().st_mtime_ns != stat.st_mtime_ns:
                path.write_bytes(content)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "Nothing to be done" in smoke.snakemake("-n", "results/moe_smoke/summary.csv").stdout
