"""What people who join find: metadata, continuous integration, hooks and templates that agree with the project."""

import json
import re
import tomllib

import pytest
import yaml

from gravispec.version import VERSION
from tests.test_project import REPO

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((REPO / "CITATION.cff").read_text())
CODEMETA = json.loads((REPO / "codemeta.json").read_text())
PINS = dict(line.split("==") for line in (REPO / "requirements.txt").read_text().splitlines())
TARGETS = set(re.findall(r"^([\w-]+):", (REPO / "Makefile").read_text(), re.M))


def test_citation_and_codemeta_agree_with_the_package():
    assert VERSION == CITATION["version"] == CODEMETA["version"]
    assert PROJECT["name"] == CODEMETA["name"] == CITATION["title"].split(":")[0]
    assert PROJECT["description"] == CODEMETA["description"]
    assert PROJECT["license"] == CITATION["license"] == CODEMETA["license"].rpartition("/")[2]
    assert str(CITATION["date-released"]) == CODEMETA["datePublished"]
    assert [a["name"] for a in CITATION["authors"]] == [a["name"] for a in CODEMETA["author"]]
    assert CITATION["keywords"] == CODEMETA["keywords"]
    assert CODEMETA["runtimePlatform"] == f"Python {PROJECT['requires-python']}"
    assert CODEMETA["softwareRequirements"] == PROJECT["dependencies"]


def test_citation_has_what_the_format_asks_for():
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION)
    assert CITATION["type"] == "software"
    assert "BSD 3-Clause" in (REPO / "LICENSE").read_text()


def test_ci_runs_the_checks_on_the_oldest_and_newest_python_and_snakemake():
    jobs = yaml.safe_load((REPO / ".github/workflows/ci.yml").read_text())["jobs"]
    job, docs = jobs["test"], jobs["docs"]
    assert docs["steps"][-1]["run"] == "make docs"
    oldest, newest = job["strategy"]["matrix"]["include"]
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert PROJECT["requires-python"] == f">={oldest['python']}"
    (least,) = (need for need in PROJECT["optional-dependencies"]["workflow"] if re.match("snakemake>", need))
    assert f"snakemake>={oldest['snakemake'].removesuffix('.0')}" == least
    assert f'min_version("{oldest["snakemake"].removesuffix(".0")}")' in (REPO / "Snakefile").read_text()
    assert newest["snakemake"] == PINS["snakemake"]
    assert tuple(map(int, newest["python"].split("."))) > tuple(map(int, oldest["python"].split(".")))
    assert f"Programming Language :: Python :: {newest['python']}" in PROJECT["classifiers"]


def test_hooks_and_ci_call_targets_that_are_there():
    (local,) = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text())["repos"]
    stages = {hook["entry"]: hook["stages"] for hook in local["hooks"]}
    assert stages == {"make lint": ["pre-commit"], "make check": ["pre-push"]}
    assert {"lint", "check", "test", "docs", "setup"} <= TARGETS
    assert "tests/lint.sh" in (REPO / "tests/run.sh").read_text()
    assert "tests/lint.sh" in (REPO / "tests/check.sh").read_text()


def test_what_the_inner_loop_leaves_out_is_there():
    (names,) = re.findall(r"^HEAVY=\((.*?)\)", (REPO / "tests/check.sh").read_text(), re.M | re.S)
    assert [name for name in names.split() if not (REPO / f"tests/test_{name}.py").exists()] == []


@pytest.mark.parametrize("path", sorted((REPO / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_issue_forms_are_complete(path):
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    assert any(part.get("validations", {}).get("required") for part in form["body"])
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(part["attributes"]["label"] for part in form["body"])
