"""A copy of the repository in which the smoke run has been made once, shared by the workflow tests."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from gravispec.data.error_rows import ErrorRows

REPO = Path(__file__).parents[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Two processes share the tests (tests/run.sh): a file is one's, as are all files that need the smoke run.

    Groups of pytest-xdist 3.8 do nothing with pytest 9.2: both processes would make everything.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return "smoke" if needs_smoke(config.rootpath / file) else file

    return Files(config, log)


@functools.cache
def needs_smoke(path):
    """Whether a test or a fixture of a file asks for the smoke run."""
    return bool(re.search(r"^def \w+\([^)]*\bsmoke\b", path.read_text(), re.M))


class Checkout:
    """A copy of the tracked and new files of the repository, and Snakemake in it."""

    def __init__(self, path):
        self.path = Path(path)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPO, capture_output=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (REPO / name).is_file():
                (self.path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPO / name, self.path / name)

    def snakemake(self, *arguments, cores=2):
        """Run Snakemake; returns the completed process with its output in ``stdout``."""
        command = [sys.executable, "-m", "snakemake", f"-c{cores}", *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command,
            cwd=self.path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=1200,
        )

    def planned(self, *arguments):
        """Jobs that a dry run would start: ``{rule: count}``."""
        process = self.snakemake("-n", *arguments)
        assert process.returncode == 0, process.stdout
        table = re.search(r"Job stats:\njob +count\n-+ +-+\n(.*?)\ntotal ", process.stdout, re.S)
        return {name: int(n) for name, n in (line.split() for line in table[1].splitlines())} if table else {}

    def read(self, name):
        return (self.path / name).read_text()

    def flux(self, dataset="smoke", level="0.2", splits=("train", "val", "test")):
        """Noisy flux (N, P) of the splits of a data set with one shard a split."""
        folder = self.path / f"results/noisy/{dataset}/noise_{level}"
        return np.concatenate([np.load(folder / f"{split}_0.npy") for split in splits])

    def error(self, dataset="smoke", splits=("train", "val", "test")):
        """1σ errors (N, P) at noise level 1 of their clean flux."""
        return self._errors(f"spectra/{dataset}/error", dataset, splits)

    def sigma(self, dataset="smoke", level="0.2", splits=("train", "val", "test")):
        """1σ (N, P) of the noisy flux."""
        return self._errors(f"noisy/{dataset}/noise_{level}/sigma", dataset, splits)

    def _errors(self, folder, dataset, splits):
        results = self.path / "results"
        wave = np.load(results / f"spectra/{dataset}/wave.npy")
        return ErrorRows([results / folder / f"{split}_0.npy" for split in splits], wave)[:]


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The smoke run, made on 2 cores without naming a target."""
    checkout = Checkout(tmp_path_factory.mktemp("smoke"))
    checkout.process = checkout.snakemake(cores=2)
    assert checkout.process.returncode == 0, checkout.process.stdout[-5000:]
    return checkout


@pytest.fixture
def edit(smoke):
    """Append a line of code to a file of the checkout; the file is as before when the test ends."""
    undo = []

    def append(name, text):
        path = smoke.path / name
        undo.append((path, path.read_bytes(), path.stat()))
        path.write_text(path.read_text() + text)

    yield append
    for path, content, stat in undo:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture(scope="session")
def more(smoke):
    """A function that lays more configuration over the checkout's own: the arguments for Snakemake."""

    def overlay(**content):
        path = smoke.path / f"more_{len(list(smoke.path.glob('more_*.yaml')))}.yaml"
        path.write_text(yaml.safe_dump(content))
        return ["--configfile", path.name, "--"]

    return overlay
