"""The smoke run on a Slurm of one node, interrupted by kill -9; jobs that end badly. Both at once, to save time."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.one_node_slurm import OneNodeSlurm, missing
from tests.conftest import Checkout

TARGET = "results/moe_smoke/summary.csv"
# the first attempt of a job, which has the least memory, never ends well
FAULTS = """
import time, numpy
if snakemake.resources.mem_mb == 500:
    if snakemake.wildcards.shard == "0":
        hog = numpy.ones(190_000_000)  # 1.5 GB
    time.sleep(600)
"""


@dataclass
class Run:
    """What is left of a run of Snakemake on the cluster."""

    checkout: Checkout
    returncode: int
    log: str
    jobs: list  # of its folder, oldest first
    files: dict  # results, and when they were written


@pytest.fixture(scope="session")
def slurm():
    """A running Slurm; the tests are skipped where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="slurm") as folder, OneNodeSlurm(folder) as node:
        yield node


class Submission:
    """Snakemake with profiles/slurm, started in a checkout."""

    def __init__(self, slurm, checkout, *arguments):
        self.slurm, self.checkout = slurm, checkout
        profile = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{slurm.environment['PATH']}"
        self.environment = {**slurm.environment, "PATH": path}
        self.environment.pop("PYTHONPATH", None)
        self.out = checkout.path / f"submission_{len(list(checkout.path.glob('submission_*')))}.log"
        with open(self.out, "w") as out:
            command = [sys.executable, "-m", "snakemake", *profile, *arguments]
            self.process = subprocess.Popen(
                command, cwd=checkout.path, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )

    def log(self):
        return self.out.read_text()

    def jobs(self):
        return [job for job in self.slurm.jobs() if job["WorkDir"] == str(self.checkout.path)]

    def wait_for(self, condition, seconds=900):
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log()[-5000:]
            assert time.monotonic() < end, self.log()[-5000:]
            time.sleep(1)

    def finish(self):
        self.process.wait(timeout=900)
        results = self.checkout.path / "results"
        files = {str(file.relative_to(results)): file.stat().st_mtime_ns for file in results.rglob("*.np*")}
        return Run(self.checkout, self.process.returncode, self.log(), self.jobs(), files)


def interrupted(slurm, folder):
    """The smoke run: Snakemake is killed while jobs run, the folder is unlocked, Snakemake is started again."""
    first = Submission(slurm, Checkout(folder), "--", TARGET)
    first.wait_for(lambda: "(Rule: expert)" in first.log() and "RUNNING" in {job["JobState"] for job in first.jobs()})
    first.process.send_signal(signal.SIGKILL)
    before = first.finish()
    unlock = subprocess.run(
        ["profiles/slurm/unlock.sh"], cwd=folder, env=first.environment, text=True, capture_output=True, timeout=120
    )
    assert unlock.returncode == 0, unlock.stdout + unlock.stderr
    return before, Submission(slurm, first.checkout, "--", TARGET).finish()


def faulty(slurm, folder):
    """Three jobs of which the first attempt needs too much memory, or too much time, or is cancelled."""
    checkout = Checkout(folder)
    script, costs = checkout.path / "workflow/scripts/grid_shard.py", checkout.path / "workflow/costs.py"
    script.write_text(FAULTS + script.read_text())
    text, n = re.subn(r"max\(10, (?=math.ceil\(5 \* self.seconds)", "max(1, ", costs.read_text())
    assert n == 1
    costs.write_text(text)
    (checkout.path / "more.yaml").write_text("grids: {smoke: {shards: 3}}")
    alone = ["--group-components", "shards=1", "--configfile", "more.yaml"]
    run = Submission(slurm, checkout, *alone, "--", "results/grids/smoke/grid.npz")

    def running_shard_2():
        running = [job["JobId"] for job in run.jobs() if job["JobState"] == "RUNNING"]
        return [job for job in running if "shard=2" in slurm.command("scontrol", "write", "batch_script", job, "-")]

    run.wait_for(running_shard_2)
    slurm.command("scancel", *running_shard_2())
    return run.finish()


@pytest.fixture(scope="session")
def submitted(slurm, tmp_path_factory):
    """Both runs, under way; the local one of fixture ``smoke`` can be made meanwhile."""
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(interrupted, slurm, tmp_path_factory.mktemp("interrupted"))
        yield whole, pool.submit(faulty, slurm, tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="session")
def killed_and_resumed(submitted, smoke):
    """The smoke run on the cluster: until Snakemake was killed, and after it was started again."""
    return submitted[0].result()


@pytest.fixture(scope="session")
def with_faults(submitted):
    """The run whose jobs fail once."""
    return submitted[1].result()
