"""The shape of the project: every rule tracks its code, files stay small, pins agree."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.overhead import imports_of
from workflow.scripts.lib.code_deps import _read, digest, imported_files

REPO = Path(__file__).parents[1]
RULES = [
    pytest.param(match[1], match[2], path, id=match[1])
    for path in sorted((REPO / "workflow" / "rules").glob("*.smk"))
    for match in re.finditer(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.M | re.S)
]
#: scripts that train networks or load them; every other job starts without the 1.2 s and 180 MB of torch
NEEDS_TORCH = {
    "catalogue.py",
    "catalogue_part.py",
    "gate.py",
    "gate_classify.py",
    "model.py",
    "predictions.py",
    "stress.py",
    "tower.py",
    "validate.py",
}
SCRIPTS = {rule.values[0]: re.search(r'script:\s*"\.\./scripts/(.+?)"', rule.values[1])[1] for rule in RULES}


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=REPO, capture_output=True, check=True)
    return [REPO / name for name in listed.stdout.decode().split("\0") if name and (REPO / name).is_file()]


@pytest.mark.parametrize(("name", "body", "path"), RULES)
def test_a_rule_tracks_its_script_and_has_a_docstring_log_and_environment(name, body, path):
    script = re.search(r'script:\s*"\.\./scripts/(.+?)"', body)
    assert script, f"{name} has no script: shell and run bodies are not tracked"
    assert f'code=code("{script[1]}")' in body
    assert f'code=code_sha("{script[1]}")' in body
    assert '"""' in body
    for directive in ("log:", "conda:", "mem_mb=", "runtime="):
        assert directive in body, f"{name} has no {directive}"


def test_every_script_belongs_to_a_rule():
    named = set(re.findall(r'script:\s*"\.\./scripts/(.+?)"', "".join(p.values[1] for p in RULES)))
    assert named == {path.name for path in (REPO / "workflow" / "scripts").glob("*.py")}


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


def test_the_digests_of_all_rules_take_less_than_a_second():
    for function in (imported_files, digest, _read):
        function.cache_clear()
    start = time.process_time()
    for path in (REPO / "workflow/scripts").glob("*.py"):
        digest(f"workflow/scripts/{path.name}", REPO)
    assert time.process_time() - start < 1.0


def test_relative_imports_are_refused(tmp_path):
    (tmp_path / "script.py").write_text("from . import a\n")
    with pytest.raises(SyntaxError, match="relative imports"):
        imported_files("script.py", tmp_path)


def test_no_rule_but_noise_and_stress_reads_clean_flux():
    readers = []
    for rule in RULES:
        name, body, _ = rule.values
        inputs = re.search(r"input:\n(.*?)\n    output:", body, re.S)[1]
        if "CLEAN" in inputs or "/flux" in inputs:
            readers.append(name)
    assert readers == ["stress", "figure_spectra", "noisy"]


def test_modules_and_rule_files_stay_small():
    for path in tracked("gravispec/*.py", "workflow/*.py"):
        assert len(path.read_text().splitlines()) <= 250, path
    for path in tracked("workflow/rules/*.smk"):
        assert len(path.read_text().splitlines()) <= 120, path
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
    assert all(path.read_text() == "" for path in tracked("gravispec/*__init__.py"))
