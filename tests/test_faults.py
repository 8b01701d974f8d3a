"""Nothing is lost: processes killed at any moment, interrupted from the keyboard, started twice."""

import os
import re
import shutil
import signal

import psutil
import pytest
import yaml

from tests.conftest import Checkout
from tests.interruptions import TINY, TINY_TABLES, interrupt, jobs_of, kill, results, start, start_over, wait_for

pytestmark = pytest.mark.slow
ARGUMENTS = ["--configfile", "tiny.yaml", "--", *TINY_TABLES]


@pytest.fixture(scope="module")
def tiny(smoke, tmp_path_factory):
    """A checkout with the grid of the smoke run, and what an undisturbed run made in another."""
    checkouts = []
    for name in ("undisturbed", "disturbed"):
        checkout = Checkout(tmp_path_factory.mktemp(name))
        (checkout.path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
        shutil.copytree(smoke.path / "results/grids", checkout.path / "results/grids")
        checkouts.append(checkout)
    undisturbed, disturbed = checkouts
    process = undisturbed.snakemake(*ARGUMENTS)
    assert process.returncode == 0, process.stdout[-3000:]
    disturbed.expected = results(undisturbed)
    assert len(disturbed.expected) > 10
    return disturbed


def working(checkout):
    """Snakemake with a job that runs."""
    start_over(checkout)
    process = start(checkout, *ARGUMENTS)
    assert wait_for(lambda: jobs_of(checkout), 60), (checkout.path / "snakemake.log").read_text()
    return process


def test_killed_at_8_moments_and_started_again_the_tables_are_the_same(tiny):
    """The smoke run at 20 moments: `make test-faults`."""
    victims = interrupt(tiny, ARGUMENTS, times=8, seed=8, seconds=2.0)
    assert {"snakemake", "job", "all"} == set(victims)
    process = tiny.snakemake(*ARGUMENTS)
    assert process.returncode == 0, process.stdout[-3000:]
    assert results(tiny) == tiny.expected  # and no partial file is left


@pytest.mark.parametrize("stop", ["Ctrl-C", "SIGTERM"])
def test_stopped_it_leaves_no_process_and_no_lock(tiny, stop):
    process = working(tiny)
    if stop == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all processes of the command
    else:
        process.terminate()
    assert process.wait(timeout=60) != 0
    assert wait_for(lambda: not jobs_of(tiny), 5)
    assert not list((tiny.path / ".snakemake/locks").glob("*"))
    assert not [name for name in results(tiny) if ".part" in name]


def test_a_second_snakemake_says_who_holds_the_lock(tiny):
    first = working(tiny)
    try:
        second = tiny.snakemake(*ARGUMENTS)
        assert second.returncode != 0
        assert "Directory cannot be locked" in second.stdout
        user = psutil.Process(first.pid).username()
        assert re.search(rf"process {first.pid} of {user} on \S+, since \d+-\d+-\d+ \d+:\d+", second.stdout)
        assert first.poll() is None
    finally:
        kill(first, tiny, "all")
    # its lock goes with it
    again = tiny.snakemake(*ARGUMENTS)
    assert f"Process {first.pid} was killed here; its lock is taken away" in again.stdout
    assert again.returncode == 0, again.stdout[-3000:]
    assert "Another Snakemake" not in again.stdout
    assert results(tiny) == tiny.expected
