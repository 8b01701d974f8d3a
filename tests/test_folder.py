"""Locks of a Snakemake that was killed are taken away, and no others."""

import json
import os
import socket

import pytest

from workflow.scripts.lib import folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["snakemake"])
    folder.LOCKS.mkdir(parents=True)
    folder.HERE.mkdir(parents=True)
    return tmp_path


def killed(names, **about):
    one = {"pid": 1, "host": socket.gethostname(), "user": "a", "started": 0.0, "since": "", "local": True} | about
    (folder.HERE / "killed.json").write_text(json.dumps(one | {"locks": names}))
    for name in (*names, "9.input.lock"):
        (folder.LOCKS / name).write_text("results/a\n")


def test_only_its_own_locks_are_taken_away(here, capsys):
    killed(["0.input.lock", "0.output.lock"])
    assert folder.enter() == {"9.input.lock"}
    assert sorted(os.listdir(folder.LOCKS)) == ["9.input.lock"]
    assert "Process 1 was killed here; its lock is taken away" in capsys.readouterr().err
    (folder.LOCKS / "1.input.lock").write_text("results/b\n")
    folder.remember_locks({"9.input.lock"})
    mine = json.loads((folder.HERE / f"{socket.gethostname()}_{os.getpid()}.json").read_text())
    assert mine["locks"] == ["1.input.lock"]


def test_locks_of_one_with_jobs_on_a_cluster_stay(here, capsys):
    killed(["0.input.lock"], local=False)
    assert folder.enter() == {"0.input.lock", "9.input.lock"}
    assert "cancel them, then snakemake --unlock" in capsys.readouterr().err


def test_another_that_works_is_named(here, capsys):
    killed(["0.input.lock"], host="elsewhere")
    assert folder.enter() == {"0.input.lock", "9.input.lock"}
    assert "Another Snakemake works in this folder: process 1 of a on elsewhere" in capsys.readouterr().err
