"""The package without the repository: sdist and wheel, built and installed offline, do what the README says."""

import shlex
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from astropy.table import Table

from gravispec.version import VERSION
from tests.conftest import Checkout
from tests.test_project import REPO, tracked

pytestmark = pytest.mark.slow
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


def run(*command, cwd, **environment):
    """What a command prints; it sees nothing of this project."""
    process = subprocess.run(
        [*map(str, command)], cwd=cwd, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist, and the wheel that is made of it alone."""
    folder, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    Checkout(folder)
    sdist = out / run(sys.executable, "-c", BUILD, out, cwd=folder).split()[-1]
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", out, sdist, cwd=out)
    return sdist, next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """``bin`` of a new environment with the wheel; its packages are those that this Python has."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    python = venv / "bin/python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=venv).strip())
    # a plain path: no .pth in there is followed, so that a repository which is installed there stays unknown
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(*PIP, "--python", python, "install", "--no-deps", "--no-index", built[1], cwd=venv)
    return venv / "bin"


def test_sdist_and_wheel_have_all_of_the_package(built):
    sdist, wheel = built
    with tarfile.open(sdist) as file:
        in_sdist = {name.partition("/")[2] for name in file.getnames()}
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    shipped = {str(path.relative_to(REPO)) for path in tracked("gravispec/*")}
    assert "gravispec/example/model.safetensors" in shipped
    assert shipped <= in_sdist
    assert shipped <= in_wheel
    assert not [name for name in in_wheel if not name.startswith(("gravispec/", f"gravispec-{VERSION}.dist-info/"))]
    assert {"README.md", "LICENSE", "pyproject.toml"} <= in_sdist


def test_predict_works_without_the_repository(installed, tmp_path):
    where = run(installed / "python", "-c", "import gravispec.cli; print(gravispec.cli.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert VERSION in run(installed / "gravispec", "--version", cwd=tmp_path)
    command = shlex.split(run(installed / "gravispec", "example", cwd=tmp_path))
    run(installed / command[0], *command[1:], cwd=tmp_path)
    catalogue = Table.read(tmp_path / "example/catalogue.fits")
    assert len(catalogue) == 8
    assert (catalogue["log_g_hi68"] > catalogue["log_g_lo68"]).all()
