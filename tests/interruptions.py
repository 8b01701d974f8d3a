"""Snakemake started, killed at random moments, and started again."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import psutil

from gravispec.data.provenance import sha256

#: a small data set on the grid of the smoke run, with two experts
TINY = {
    "datasets": {"tiny": {"kind": "lte", "grid": "smoke", "n_stars": {"train": 300, "val": 60, "test": 60}}},
    "runs": {"tiny": {"like": "moe_smoke", "dataset": "tiny", "n_train": 300}},
    "ridge": {"alphas": {"n": 3}, "folds": 2},
    "bins": {"T_eff": [3750, 4875, 6000], "T_eff_names": ["a", "b"], "M_H": [-2, 0.5], "M_H_names": ["c"]},
}
TINY_TABLES = [f"results/features/tiny/noise_0.2/train_300/{table}.parquet" for table in ("experts", "window")]


def start(checkout, *arguments):
    """Snakemake in a session of its own, as from a terminal: a background shell would have it ignore Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with open(checkout.path / "snakemake.log", "w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "-c2", *arguments],
            cwd=checkout.path, env=environment, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip


def jobs_of(checkout):
    """Processes of jobs of the checkout: whatever works there and is no Snakemake."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(checkout.path) and ".snakemake/scripts" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition, seconds):
    """What ``condition()`` returns as soon as it is true, or when the time is over."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def kill(process, checkout, victim):
    """kill -9 of Snakemake alone, of one job alone, or of everything that was started; returns when all are gone."""
    if victim == "job" and (jobs := jobs_of(checkout)):
        jobs[-1].kill()
    elif victim == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait(timeout=120)
    assert wait_for(lambda: not jobs_of(checkout), 20), "jobs outlive their Snakemake"


def interrupt(checkout, arguments, *, times, seed, seconds):
    """Start and kill ``times`` times, after up to ``seconds`` of work; returns the victims."""
    rng = np.random.default_rng(seed)
    victims = []
    while len(victims) < times:
        process = start(checkout, *arguments)
        wait_for(lambda running=process: jobs_of(checkout) or running.poll() is not None, 60)
        time.sleep(rng.uniform(0, seconds))
        if process.poll() is None:
            victims.append(rng.choice(["snakemake", "job", "all"]))
            kill(process, checkout, victims[-1])
        else:  # done
            assert process.returncode == 0, (checkout.path / "snakemake.log").read_text()[-3000:]
            start_over(checkout)
    return victims


def start_over(checkout):
    """Remove all that was computed but the grid."""
    for folder in (checkout.path / "results").iterdir():
        if folder.is_dir() and folder.name != "grids":
            shutil.rmtree(folder)


def results(checkout):
    """``{name: SHA-256}`` of all that was computed, and nothing else that lies about."""
    folder = checkout.path / "results"
    files = [path for path in folder.rglob("*") if path.is_file() and not {"logs", "benchmarks"} & set(path.parts)]
    return {str(path.relative_to(folder)): sha256(path) for path in files}
