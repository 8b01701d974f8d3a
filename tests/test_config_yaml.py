"""The text of configuration files: keys that stand twice, and files that no reader could use, are named in one line."""

import json
import os
from pathlib import Path

import pytest
import yaml

from gravispec.config.text import check_command_line, check_files
from gravispec.errors import InputError
from tests.conftest import Checkout

REPO = Path(__file__).parents[1]
DEEP = "[" * 5000 + "]" * 5000


def mistake_in(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        check_files([path])
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 200
    return message


@pytest.mark.parametrize(
    ("content", "key", "first", "second"),
    [
        ("seed: 1\nbins: {}\nseed: 2\n", "seed", 1, 3),
        ("seed: 1\n'seed': 1\n", "seed", 1, 2),
        ("runs:\n  a: {n_train: 1}\n  b: {}\n  a:\n    n_train: 2\n", "runs.a", 2, 4),
        ("runs: {a: {n_train: 1, n_train: 1}}\n", "runs.a.n_train", 1, 1),
        ("runs:\n  a:\n    models:\n    - {x: 1,\n       x: 2}\n", "runs.a.models.0.x", 4, 5),
        ("models:\n  a: {module: mixture}\n  a: {module: hard}\n", "models.a", 2, 3),
        ("1: a\n0x1: b\n", "0x1", 1, 2),
        ("yes: a\ntrue: b\n", "true", 1, 2),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", "b.<<", 3, 4),
        ("a: &a\n  x: 1\n  x: 2\nb: *a\n", "a.x", 2, 3),
        ('{"seed": 1,\n"runs": {},\n"seed": 2}', "seed", 1, 3),
        ('{\t"runs":\n\t{"a": 1,\n\t"\\u0061": 2}}', "runs.a", 2, 3),
        ("\ufeffseed: 1\nseed: 1\n", "seed", 1, 2),
        ("seed: 1\r\nseed: 1\r\n", "seed", 1, 2),
    ],
)
def test_a_key_that_stands_twice_is_named_with_both_lines(tmp_path, content, key, first, second):
    message = mistake_in(tmp_path / "config.yaml", content)
    assert f"line {second}: key {key} stands there twice, first in line {first}" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("runs:\n  köln: 1\n".encode("latin-1"), "line 2: not UTF-8 (byte 0xf6)"),
        ("seed: 1\n".encode("utf-16"), "line 1: not UTF-8"),
        ("runs:\n\tmoe: 1\n", "line 2: found character '\\t'"),
        ("- a\n- b\n", "a list instead of keys"),
        ("three\n", "a str instead of keys"),
        ("", "nothing instead of keys"),
        ("# only a comment\n", "nothing instead of keys"),
        ("[]", "a list instead of keys"),
        ('{"seed": 1,', "line 1: "),
        ("runs: {a: 1\nseed: 2\n", "line 2: "),
        ("seed: 1\n---\nseed: 2\n", "line 2: but found another document"),
        ("a: *b\n", "line 1: found undefined alias 'b'"),
        ("a: &a\n  b: [*a]\n", "line 2: alias *a stands inside what it names"),
        ("seed: !!python/object/apply:os.getcwd []\n", "line 1: could not determine a constructor"),
        ("seed: 1\0\n", "special characters are not allowed"),
        ("a: 2026-99-99\n", "month must be in 1..12"),
        ("? [1, 2]\n: a\n", "line 1: found unhashable key"),
        (f"a: {DEEP}", "nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, content, expected):
    assert expected in mistake_in(tmp_path / "config.yaml", content)


@pytest.mark.parametrize(
    "content",
    [
        "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: &c\n  <<: [*a, {y: 4}]\nd: {<<: *c, x: 5}\n",
        "a: {x: 1}\nb: {x: 1}\nc: [{x: 1}, {x: 1}]\n",
        "a: &a [1, 2]\nb: *a\nc: *a\n",
        '"1": a\n1: b\n',
        '{"a":1,\t"b": {"a": "\\ud83d\\ude00 \\/"}}',
    ],
)
def test_merge_keys_aliases_and_json_are_as_good_as_they_were(tmp_path, content):
    (tmp_path / "config.yaml").write_text(content)
    check_files([tmp_path / "config.yaml"])


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo.yaml")
    for path in (tmp_path / "fifo.yaml", tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(InputError, match=f"^{path}: no file is there"):
            check_files([path])


def test_the_files_of_this_project_have_every_key_once():
    # templates of profiles are YAML, too
    check_files([*REPO.glob("config/*.yaml"), *REPO.glob("profiles/*/config.yaml"), *REPO.glob("envs/*.yaml")])


@pytest.mark.parametrize("option", ["--configfile", "--configfiles"])
def test_the_files_of_the_command_line_are_found(tmp_path, option):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.json"
    good.write_text(yaml.safe_dump({"seed": 1}))
    bad.write_text(json.dumps(["seed"]))
    for argv in ([option, good, "--", bad], ["-c2", bad], [f"{option}={good}", "-n", bad], [bad, "--config", "seed=1"]):
        check_command_line([str(argument) for argument in argv])
    for argv in (["-c2", option, good, bad, "--", "target"], [f"{option}={bad}"], [option, good, option, bad]):
        with pytest.raises(SystemExit, match=f"^{bad}: a list instead of keys"):
            check_command_line([str(argument) for argument in argv])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("config"))


LATIN = "runs:\n  köln: {dataset: smoke, n_train: 100}\n".encode("latin-1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "given", "options", "expected"),
    [
        (b"seed: 1\nseed: 2\n", None, [], "config/config.yaml: line 2: key seed stands there twice, first in line 1"),
        (None, b"- runs", [], "more.yaml: a list instead of keys"),
        (None, LATIN, [], "more.yaml: line 2: not UTF-8"),
        # without the project's profile Snakemake opens the file first
        (None, b"seed: 1\nseed: 2\n", ["--workflow-profile", "none"], "more.yaml: line 2: key seed stands there twice"),
        (None, None, ["--config", "seed=maybe"], "config: seed = 'maybe': should be a valid integer"),
    ],
)
def test_snakemake_stops_with_one_line(checkout, own, given, options, expected):
    config, more = checkout.path / "config/config.yaml", checkout.path / "more.yaml"
    before = config.read_bytes()
    config.write_bytes(own or before)
    more.write_bytes(given or b"{}")
    process = checkout.snakemake("-n", "--configfile", more.name, *options)
    config.write_bytes(before)
    assert process.returncode == 1
    assert "Traceback" not in process.stdout
    assert expected in process.stdout.splitlines()[-1]
