"""Profiles and recipes of containers: every key is one of Snakemake's, every rule they name exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yte
from snakemake.cli import get_argument_parser

from tests.conftest import Checkout
from tests.workflow_rules import RULES

REPO = Path(__file__).parents[1]
PROFILES = sorted(path.parent.name for path in (REPO / "profiles").glob("*/config.yaml"))
# of snakemake-executor-plugin-kubernetes 0.5.1 and -storage-plugin-s3 0.3.6, whose dependencies clash with our pins
NOT_INSTALLED = {
    *(f"kubernetes-{name}" for name in ("namespace", "cpu-scalar", "service-account-name", "privileged")),
    *(f"kubernetes-{name}" for name in ("persistent-volumes", "omit-job-cleanup")),
    *(f"storage-s3-{name}" for name in ("endpoint-url", "region", "access-key", "secret-key", "token", "retries")),
    "storage-s3-signature-version",
}


def read(text):
    """Keys and values of a profile, as Snakemake reads them."""
    return yte.process_yaml(text, require_use_yte=True)


def profile(name):
    return read((REPO / "profiles" / name / "config.yaml").read_text())


def unknown_keys(content):
    """Keys that are no options of Snakemake or of a plugin."""
    options = set(re.findall(r"\[--([a-z0-9-]+)", get_argument_parser().format_usage()))
    assert {"executor", "slurm-partition-config", "cluster-generic-submit-cmd"} <= options
    return set(content) - options - NOT_INSTALLED


def test_there_are_the_four_profiles():
    assert PROFILES == ["cluster-generic", "default", "kubernetes", "slurm"]


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_of_a_profile_is_an_option(name):
    assert unknown_keys(profile(name)) == set()


@pytest.mark.parametrize("name", PROFILES)
def test_a_misspelt_key_is_found(name):
    text = (REPO / "profiles" / name / "config.yaml").read_text()
    key = next(iter(profile(name)))
    assert unknown_keys(read(text.replace(f"\n{key}:", f"\n{key}x:"))) == {f"{key}x"}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_rules_and_groups_that_exist(name):
    content = profile(name)
    groups = content.get("groups", {})
    assert set(groups) | set(content.get("set-resources", {})) <= set(RULES)
    assert set(content.get("group-components", {})) <= set(groups.values())


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "default"])
def test_the_default_profile_which_wins_leaves_other_profiles_their_keys(name):
    assert not set(profile(name)) & set(profile("default"))


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "default"])
def test_what_a_site_edits_is_in_one_marked_block(name):
    text = (REPO / "profiles" / name / "config.yaml").read_text()
    block = re.search(r"\n# -+ your site: edit from here -+\n(.*?)\n# -+ to here -+\n", text, re.S)
    assert {"default-resources", "jobs"} <= set(read(block[1]))


def test_rules_that_train_networks_are_tagged_for_a_gpu():
    """A model whose fit asks for no device gets none (``plan.asks_for``)."""
    tagged = {name for name, body in RULES.items() if re.search(r"\bgpu=(?!0,)", body)}
    assert tagged == {name for name, body in RULES.items() if "gpu.yaml" in body}
    assert tagged == {"model", "model_for_all_levels", "predictions_of_level", "family_fit"}


@pytest.mark.parametrize(("card", "at_once"), [(True, 1), (False, 1000)])
def test_training_jobs_of_one_machine_take_turns_where_there_is_a_gpu(tmp_path, monkeypatch, card, at_once):
    if card:
        (tmp_path / "nvidia-smi").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert profile("default")["resources"] == {"gpu": at_once}


HEAVY = {"grid_shard", "spectra", "noisy", "moments", "global_ridge", "expert", "expert_predictions"}


@pytest.mark.parametrize("card", [True, False])
def test_heavy_rules_use_a_card_of_this_machine_where_there_is_one(tmp_path, monkeypatch, card):
    assert {name for name, body in RULES.items() if re.search(r'needs\("\w+", gpu=0, device=', body)} == HEAVY
    if card:
        (tmp_path / "nvidia-smi").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert profile("default").get("set-resources", {}) == ({name: {"gpu": 1} for name in HEAVY} if card else {})


@pytest.mark.slow
def test_any_batch_system_with_a_submit_command_runs_jobs(tmp_path):
    """With a qsub that writes down what it is asked for and starts the job at once."""
    checkout, commands = Checkout(tmp_path / "checkout"), tmp_path / "bin"
    commands.mkdir()
    (commands / "qsub").write_text(f"""#!/bin/bash
echo "$@" >> {tmp_path}/asked
nohup bash "${{@: -1}}" > {tmp_path}/out 2>&1 &
echo $!
""")
    (commands / "qsub").chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/cluster-generic"]
    command += ["--seconds-between-status-checks", "1", "--", "results/grids/smoke/shards/0.npz"]
    process = subprocess.run(command, cwd=checkout.path, env=environment, text=True, capture_output=True)
    assert process.returncode == 0, process.stderr[-5000:]
    assert (checkout.path / "results/grids/smoke/shards/0.npz").is_file()
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert "-N gravispec.grid_shard" in asked
    assert re.search(r"-l select=1:ncpus=1:mem=\d+mb:ngpus=0 -l walltime=\d+:\d\d", asked)


@pytest.mark.parametrize("name", ["Dockerfile", "apptainer.def"])
def test_a_container_installs_the_pins_and_names_no_registry_but_the_base_image(name):
    text = (REPO / name).read_text()
    assert re.search(r"pip install --no-cache-dir -r \S*requirements\.txt", text)
    assert re.findall(r"^from:? (.+)$", text, re.M | re.I) == ["python:3.11-slim"]
    assert not re.search(r"://|index-url|\S+\.(io|org|com|net)\b", text)
