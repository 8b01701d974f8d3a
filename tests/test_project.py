"""The shape of the project: every rule tracks its code, files stay small, pins agree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.overhead import imports_of
from tests.workflow_rules import RULES, SCRIPTS
from workflow.scripts.lib.code_deps import _read, digest, imported_files

REPO = Path(__file__).parents[1]
#: scripts that import torch; every other job starts without its 1.2 s and 180 MB, but for models that need it
NEEDS_TORCH = {"catalogue.py", "catalogue_part.py"}


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=REPO, capture_output=True, check=True)
    return [REPO / name for name in listed.stdout.decode().split("\0") if name and (REPO / name).is_file()]


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_tracks_its_script_and_has_a_log_an_environment_and_needs(name):
    body = RULES[name]
    assert f'code=code("{SCRIPTS[name]}")' in body, "shell and run bodies are not tracked"
    assert f'code=code_sha("{SCRIPTS[name]}")' in body
    assert re.search(rf'\*\*needs\(\s*"({name}|{name.split("_")[0]}|model)"', body)
    for directive in ("log:", "benchmark:", "conda:"):
        assert directive in body, f"{name} has no {directive}"
    # plug-ins that a rule names among its inputs are among its parameters, by what they say
    tracked = {
        word for word in ("family", "module", "figure") if re.search(rf"^ +{word}=(modules|tracked)\(", body, re.M)
    }
    assert tracked == {word for word in ("family", "module", "figure") if f"{word}_code=modules_sha(" in body}


def test_every_script_belongs_to_a_rule():
    assert set(SCRIPTS.values()) == {path.name for path in (REPO / "workflow" / "scripts").glob("*.py")}


def test_scripts_that_need_no_torch_do_not_import_it():
    scripts = sorted(path for path in (REPO / "workflow/scripts").glob("*.py") if path.name not in NEEDS_TORCH)
    assert len(scripts) > 20
    source = [
        "import sys",
        "class Blocked:",
        "    def find_spec(self, name, path=None, target=None):",
        "        if name.split('.')[0] == 'torch': raise ModuleNotFoundError(f'{script} imports torch')",
        "sys.meta_path.insert(0, Blocked())",
    ]
    for path in scripts:
        source += [f"script = {path.name!r}", imports_of(path)]
    run = subprocess.run([sys.executable, "-c", "\n".join(source)], cwd=REPO, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_digest_follows_imports_and_data_but_not_comments(tmp_path):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "script.py").write_text("from pkg.a import f\n")
    (tmp_path / "pkg" / "a.py").write_text("import pkg.b\nTABLE = 'lines.csv'\ndef f(): pass\n")
    (tmp_path / "pkg" / "b.py").write_text("X = 1\n")
    (tmp_path / "pkg" / "lines.csv").write_text("1\n")

    def now():
        for function in (imported_files, digest, _read):
            function.cache_clear()
        return digest("script.py", tmp_path)

    before = now()
    assert len(imported_files("script.py", tmp_path)) == 5
    (tmp_path / "pkg" / "b.py").write_text("# a comment\nX  =  1\n")
    assert now() == before
    (tmp_path / "pkg" / "b.py").write_text("X = 2\n")
    after = now()
    assert after != before
    (tmp_path / "pkg" / "lines.csv").write_text("2\n")
    assert now() != after


def test_relative_imports_are_refused(tmp_path):
    (tmp_path / "script.py").write_text("from . import a\n")
    with pytest.raises(SyntaxError, match="relative imports"):
        imported_files("script.py", tmp_path)


def test_modules_and_rule_files_stay_small():
    for path in tracked("gravispec/*.py", "workflow/*.py"):
        assert len(path.read_text().splitlines()) <= 250, path
    lines = {path.name: len(path.read_text().splitlines()) for path in tracked("workflow/rules/*.smk")}
    assert max(lines.values()) <= 250
    common = [n for name, n in lines.items() if name.startswith("common")]
    assert len(common) <= 4
    assert sum(common) <= 350
    assert len((REPO / "Snakefile").read_text().splitlines()) <= 60


def test_requirements_are_exact_pins_without_addresses():
    for line in (REPO / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*", line), line


def test_conda_environments_have_the_pins_of_requirements():
    pins = dict(line.lower().split("==") for line in (REPO / "requirements.txt").read_text().splitlines())
    other_names = {"snakemake-minimal": "snakemake", "pytorch-cpu": "torch", "pytorch-gpu": "torch"}
    for name in ("cpu", "gpu"):
        found = re.findall(r"^  - ([\w-]+)=([\w.]+)$", (REPO / "envs" / f"{name}.yaml").read_text(), re.M)
        packages = {other_names.get(package, package): version for package, version in found if package != "python"}
        assert packages == {package: pins[package] for package in packages}
        needed = re.findall(r'^    "([\w-]+)>=', (REPO / "pyproject.toml").read_text().split("optional")[0], re.M)
        assert set(needed) <= set(packages)


def test_package_init_files_are_empty():
    """But for what the package of the configuration offers."""
    found = {path.parent.name for path in tracked("gravispec/*__init__.py") if path.read_text()}
    assert found == {"config"}
