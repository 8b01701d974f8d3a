"""README and docs: links lead somewhere, code blocks are code, and the commands in them exist."""

import ast
import json
import re
import shlex
import subprocess
import textwrap

import click
import pytest
import yaml

from gravispec.cli import main
from tests.test_joining import TARGETS
from tests.test_project import REPO, tracked
from workflow.site.links import FENCE, anchors, targets

PAGES = tracked("*.md")
RUNS = set(yaml.safe_load((REPO / "config/config.yaml").read_text())["runs"])
FOLDERS = "gravispec|workflow|tests|benchmarks|config|docs|profiles|envs"
#: files that a reader adds
RECIPES = {f"gravispec/{name}.py" for name in ("models/nearest_mean", "features/halves", "observed/columns")}
RECIPES |= {"gravispec/report/figures/error_by_magnitude.py"}
#: what a code block of a page may be a part of
AROUND = ("{}", "if 1:\n    pass\n{}", "x = {{{}}}", "def f():\n{}")


def blocks(page):
    """(language, code) of every code block."""
    return [(language, textwrap.dedent(code)) for _, language, code in FENCE.findall(page.read_text())]


def commands(page):
    """Words of every command in a code block that a shell would run."""
    for language, code in blocks(page):
        if language not in ("", "sh", "bash", "shell"):
            continue
        for line in re.sub(r"\\\n", " ", code).splitlines():
            for part in re.split(r"&&|\|\||;|\|", line.split(" #")[0].strip().removeprefix("$ ")):
                words = shlex.split(part) if part.count('"') % 2 == part.count("'") % 2 == 0 else part.split()
                while words and re.match(r"\w+=", words[0]):
                    words = words[1:]
                if words:
                    yield [words[0].removeprefix(".venv/bin/"), *words[1:]]


def name(page):
    return str(page.relative_to(REPO))


def test_there_are_pages():
    assert len(PAGES) > 20
    assert sum(len(blocks(page)) for page in PAGES) > 20
    assert sum(len(targets(page.read_text())) for page in PAGES) > 50


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings(page):
    for target in targets(page.read_text()):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert REPO in [file, *file.parents], f"{target}: leaves the repository"
        if anchor:
            assert anchor in anchors(file.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_blocks_parse(page):
    for language, code in blocks(page):
        if language == "python" and "snakefile:" not in code:
            assert any(parses(around.format(code)) for around in AROUND), code
        elif language in ("yaml", "yml"):
            yaml.safe_load(code)
        elif language == "json":
            json.loads(code)
        elif language in ("sh", "bash", "shell"):
            shell = subprocess.run(["bash", "-n"], input=code, text=True, capture_output=True)
            assert shell.returncode == 0, shell.stderr
        else:
            assert language in ("", "text", "diff", "toml", "mermaid", "python"), language


def parses(code):
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page):
    for words in commands(page):
        if words[0] == "make":
            for target in (word for word in words[1:] if not re.match(r"-|\w+=", word)):
                assert target in TARGETS or target.startswith("results/"), words
        elif words[0] == "gravispec":
            check_options(words)
        elif words[0].startswith("python") and "-m" in words[:3]:
            module = words[words.index("-m") + 1]
            path = REPO / module.replace(".", "/")
            known = module in ("pip", "pytest", "venv") or path.is_dir() or path.with_suffix(".py").exists()
            assert known, words
        if words[0] in ("make", "snakemake"):
            for word in words[1:]:
                if run := re.fullmatch(r"results/(\w+)/summary\.csv", word):
                    assert run[1] in RUNS | {"first", "my_run", "mine", "RUN"}, words


def check_options(words):
    """Whether a call of ``gravispec`` names a subcommand and options that it has."""
    if not words[1:] or words[1].startswith("-"):
        return
    command = main.commands[words[1]]
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    given = {word.split("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)}
    assert given <= known | {"--help"}, words


def test_a_wrong_option_would_be_found():
    with pytest.raises(AssertionError):
        check_options(["gravispec", "predict", "--runs", "x"])
    with pytest.raises(KeyError):
        check_options(["gravispec", "predcit"])
    assert isinstance(main, click.Group)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_are_there(page):
    text = FENCE.sub("", page.read_text())
    for path in re.findall(rf"`((?:{FOLDERS})/[\w./-]+\.\w+)`", text):
        assert (REPO / path).exists() or path in RECIPES, path
