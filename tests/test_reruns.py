"""Exact partial reruns: an edit reruns what it concerns, a touch reruns nothing."""

import os
import time

import pytest

from tests.conftest import Checkout

pytestmark = pytest.mark.slow

QUALITY = {"coverage", "residuals", "stress", "quality_figures"}
AFTER_PREDICTIONS = {"bootstrap", "per_bin", "hypotheses", "figures", "calibration", "model", "summary"} | QUALITY
AFTER_BOOTSTRAP = {"bootstrap", "per_bin", "hypotheses", "figures", "summary"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gravispec/report/model_figures.py", {"figures", "summary"}),
        ("gravispec/report/spectra_figure.py", {"figure_spectra", "summary"}),
        (
            "gravispec/models/gates.py",
            {"gate", "gate_classify", "predictions"} | AFTER_PREDICTIONS,
        ),
        (
            "gravispec/features/window.py",
            {"feature", "gate", "gate_classify", "predictions"} | AFTER_PREDICTIONS,
        ),
        ("gravispec/evaluation/bootstrap.py", AFTER_BOOTSTRAP),
        ("gravispec/spectra/stress.py", {"stress", "summary"}),
        ("gravispec/evaluation/coverage.py", {"coverage", "quality_figures", "summary"}),
    ],
)
def test_an_edit_reruns_its_rule_and_what_follows(smoke, edit, name, expected):
    edit(name, "\nEDITED = True\n")
    assert set(smoke.planned("results/moe_smoke/summary.csv")) == expected


def test_an_edit_with_an_old_time_stamp_is_seen(smoke, edit):
    name = "gravispec/report/spectra_figure.py"
    edit(name, "\nEDITED = True\n")
    os.utime(smoke.path / name, (0, 0))
    assert set(smoke.planned("results/moe_smoke/summary.csv")) == {"figure_spectra", "summary"}


def test_the_noise_module_reruns_everything_after_the_clean_spectra(smoke, edit):
    edit("gravispec/spectra/noise.py", "\nEDITED = True\n")
    planned = set(smoke.planned("results/moe_smoke/summary.csv"))
    assert {"noisy", "global_ridge", "feature", "expert", "summary"} <= planned
    assert not {"grid_shard", "grid", "spectra"} & planned


def test_touching_all_code_reruns_nothing(smoke):
    now = time.time()
    for folder in ("gravispec", "workflow"):
        for path in (smoke.path / folder).rglob("*"):
            if path.suffix in (".py", ".smk", ".csv"):
                os.utime(path, (now, now))
    assert smoke.planned("results/moe_smoke/summary.csv") == {}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("resamples: 2000", "resamples: 1000", AFTER_BOOTSTRAP | {"residuals", "stress", "quality_figures"}),
        ("epochs: 100 ", "epochs: 50 ", {"gate", "predictions"} | AFTER_PREDICTIONS),
    ],
)
def test_a_changed_leaf_of_the_config_reruns_its_dependants(smoke, old, new, expected):
    path = smoke.path / "config" / "config.yaml"
    before = path.read_text()
    assert old in before
    try:
        path.write_text(before.replace(old, new))
        assert set(smoke.planned("results/moe_smoke/summary.csv")) == expected
    finally:
        path.write_text(before)


def test_adding_a_run_touches_no_other(smoke):
    path = smoke.path / "config" / "config.yaml"
    before = path.read_text()
    try:
        mine = "  mine: {dataset: smoke, noise_level: 0.5, n_train: 1000}\n  moe_smoke: {"
        path.write_text(before.replace("  moe_smoke: {", mine, 1))
        assert smoke.planned("results/moe_smoke/summary.csv") == {}
        assert smoke.planned("results/mine/summary.csv")["expert"] == 9
    finally:
        path.write_text(before)


def test_a_deleted_figure_is_remade_alone(smoke):
    path = smoke.path / "results" / "moe_smoke" / "figures" / "spectra.png"
    content, stat = path.read_bytes(), path.stat()
    path.unlink()
    try:
        assert set(smoke.planned("results/moe_smoke/figures/spectra.png")) == {"figure_spectra"}
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_fresh_copy_plans_the_whole_main_job(tmp_path):
    planned = Checkout(tmp_path).planned("results/moe_100k/summary.csv")
    assert planned["expert"] == 9
    assert planned["grid_shard"] >= 2
    assert planned["gate"] == 2
    assert planned["summary"] == 1
