"""What Snakemake does not document is used in one place, and gives there what a tiny workflow shows."""

import json
import re
import subprocess
import sys

import pytest

from tests.conftest import REPO

TINY = f"""
import json, sys
sys.path.insert(0, {str(REPO)!r})
from workflow.seam import behind, benchmarks, planned_jobs, runs_here

def say(**what):
    print("seam", json.dumps(what), file=sys.stderr)

rule all:
    input: "joined.txt", "aside_1.txt"

rule part:
    input: data=lambda wc: f"in_{{wc.n}}.txt", code=["part.py", "both.py"]
    output: temp("part_{{n}}.txt")
    benchmark: "part_{{n}}.tsv"
    shell: "cat {{input.data}} > {{output}}"

rule kept:
    input: "part_{{n}}.txt", module=lambda wc: [f"module_{{wc.n}}.py"]
    output: "kept_{{n}}.txt"
    shell: "cp {{input[0]}} {{output}}"

rule joined:
    input: unpack(lambda wc: dict(parts=["kept_1.txt", "kept_2.txt"])), "both.py", code="both.py"
    output: "joined.txt"
    shell: "cat {{input.parts}} > {{output}}"

rule aside:
    input: "in_1.txt", "unused.py"
    output: "aside_{{n}}.txt"
    shell: "cp {{input[0]}} {{output}}"

if workflow.is_main_process:
    say(behind=behind(workflow, ["joined.txt"]), of_code=behind(workflow, ["in_1.txt"]), costs=benchmarks(workflow))

onstart:
    say(jobs=planned_jobs(workflow), here=runs_here(workflow))
"""
PARTS = [["part", {"n": str(n)}, [f"part_{n}.txt"]] for n in (1, 2)]
JOINED = ["joined", {}, ["joined.txt"]]
KEPT = [["kept", {"n": str(n)}, [f"kept_{n}.txt"]] for n in (1, 2)]


@pytest.fixture
def run(tmp_path):
    """A function that runs the tiny workflow: all that the seam said."""
    (tmp_path / "Snakefile").write_text(TINY)
    for name in ("in_1.txt", "in_2.txt", "part.py", "both.py", "module_1.py", "module_2.py", "unused.py"):
        (tmp_path / name).write_text(name)

    def snakemake(*arguments, fails=False):
        command = [sys.executable, "-m", "snakemake", "-c1", *arguments]
        process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert (process.returncode != 0) == fails, process.stderr[-3000:]
        lines = [line.removeprefix("seam ") for line in process.stderr.splitlines() if line.startswith("seam ")]
        return {key: value for line in lines for key, value in json.loads(line).items()}

    return snakemake


def test_what_a_file_is_made_from_and_which_jobs_come(run):
    said = run("--notemp", "joined.txt")
    files, code = said["behind"]
    assert sorted(files) == ["both.py", "in_1.txt", "in_2.txt", "joined.txt", "kept_1.txt", "kept_2.txt"]
    assert sorted(code) == ["both.py", "module_1.py", "module_2.py", "part.py"]
    assert said["of_code"] == [["in_1.txt"], []]
    assert said["costs"] == {"part": "part_{n}.tsv"}
    assert sorted(said["jobs"], key=str) == sorted([*PARTS, *KEPT, JOINED], key=str)
    assert said["here"] is True
    # only what runs again
    said = run("--notemp", "--forcerun", "kept", "--", "joined.txt")
    assert sorted(said["jobs"], key=str) == [JOINED, *KEPT]
    # files that are only touched cost nothing
    assert run("--notemp", "--touch", "--forceall", "joined.txt")["jobs"] == []


def test_jobs_of_a_cluster_run_elsewhere(run):
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    nowhere = [
        "--executor",
        "cluster-generic",
        "--cluster-generic-submit-cmd",
        "false",
        "--jobs",
        "1",
        "--seconds-between-status-checks",
        "1",
    ]
    said = run(*nowhere, "aside_1.txt", fails=True)
    assert said["jobs"] == [["aside", {"n": "1"}, ["aside_1.txt"]]]
    assert said["here"] is False


#: what its manual says of the workflow object, and the interfaces of plug-ins
ATTRIBUTES = {"basedir", "current_basedir", "configfiles", "is_main_process", "source_path"}
MODULES = {"snakemake.utils", "snakemake.logging"}


def test_nothing_else_uses_what_is_not_documented():
    files = [REPO / "Snakefile", *(p for f in ("workflow", "gravispec") for p in (REPO / f).rglob("*.*"))]
    texts = {path: path.read_text() for path in files if path.suffix in (".py", ".smk", "") and path.stem != "seam"}
    assert len(texts) > 200
    for path, text in texts.items():
        imported = re.findall(r"^\s*(?:from|import) (snakemake(?:\.\w+)*)(?=[\s,])", text, re.M)
        assert set(imported) <= MODULES, path
        if path.suffix != ".py":
            code = re.sub(r"^\s*(?:from|import|include).*|#.*", "", text, flags=re.M)
            assert set(re.findall(r"\bworkflow\.(\w+)", code)) - {"smk", "rst"} <= ATTRIBUTES, path
