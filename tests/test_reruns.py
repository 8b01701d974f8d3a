"""Exact partial reruns: an edit runs its own jobs and what waits for them again, a touch runs nothing.

Nothing is computed here: outputs are empty files that Snakemake has recorded as made (``tests.planned_jobs``). What has
to run again is found by a walk through the jobs of a forced dry run.
"""

import os
import shutil

import pytest
import yaml

from gravispec.data.bosz import wave_file
from tests.conftest import REPO, Checkout
from tests.planned_jobs import Planned
from tests.test_project import SCRIPTS

pytestmark = pytest.mark.slow
MOE = "results/moe_smoke/summary.csv"
TARGETS = [MOE, "results/tower_smoke/summary.csv", "results/benchmark_smoke/summary.csv"]
TARGETS += [f"results/noisy/{dataset}/noise_0.2/test_0.npy" for dataset in ("mine", "published")]
TARGETS += ["results/comparison/growth.csv", "results/comparison/trees.csv", "results/catalogues/survey.fits"]
USER_FILES = {split: f"data/{split}.h5" for split in ("train", "val", "test")}
MORE = {
    "datasets": {
        "mine": {"kind": "pfsspec", **USER_FILES},
        "published": {"kind": "lte", "grid": "folder", "n_stars": {"train": 2400, "val": 600, "test": 600}},
    },
    "runs": {"small": {"dataset": "smoke", "n_train": 1500}},
    "comparisons": {"growth": ["small", "moe_smoke"]},
    "baseline_comparisons": {"trees": {"run": "moe_smoke", "baseline": "lightgbm", "n_train": 2400}},
    "catalogues": {"survey": {"runs": ["moe_smoke"], "files": ["data/*.fits"]}},
}
#: a module, and the rules behind whose scripts it is (with a part of the output's name, where not all jobs are)
MODULES = {
    "gravispec/features/topk.py": {"feature": "topk"},
    "gravispec/features/window.py": {"feature": "window", "model": "", "catalogue_part": ""},
    "gravispec/models/gates.py": dict.fromkeys(
        ("gate", "gate_classify", "predictions", "validate", "model", "catalogue_part"), ""
    ),
    "gravispec/report/model_figures.py": {"figures": ""},
    "gravispec/report/spectra_figure.py": {"figure_spectra": ""},
    "gravispec/spectra/noise.py": {"noisy": ""},
    "gravispec/models/baselines/residual_mlp.py": {"baseline": "residual_mlp"},
    "gravispec/evaluation/sweep.py": {"sweep": "", "sweep_figures": "", "sweep_summary": "", "validate": ""},
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Every rule of the workflow, for small runs of every kind."""
    path = tmp_path_factory.mktemp("planned")
    grid = yaml.safe_load((REPO / "config/config.yaml").read_text())["grids"]["bosz"]
    folder = {**grid, "source": "bosz", "shards": 2}
    for name in (*USER_FILES.values(), "data/a.fits", "data/b.fits", f"bosz/{wave_file(grid['r'])}"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    found = Planned(path, TARGETS, grids={"folder": folder}, **MORE)
    assert found.dry_run() == {}
    assert {rule for rule, _ in found.jobs.values()} == set(SCRIPTS)
    return found


@pytest.fixture
def change(planned):
    """Replace text in a file, or append to it; everything is as before when the test ends."""
    undo = []

    def edit(name, new, old=None):
        path = planned.path / name
        undo.append((path, path.read_bytes(), path.stat()))
        text = path.read_text()
        assert old is None or old in text
        path.write_text(text + new if old is None else text.replace(old, new, 1))

    yield edit
    for path, content, stat in reversed(undo):
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def rules_of(jobs):
    return {rule for rule, _ in jobs.values()}


def check_reruns(planned, edited):
    """Exactly the jobs ``edited`` and those after them are planned, in the smallest of the targets that have any."""
    assert edited
    before = {target: planned.before(target) for target in TARGETS}
    target = min((t for t in TARGETS if before[t] & edited), key=lambda t: len(before[t]))
    expected = planned.after(before[target] & edited) & before[target]
    assert set(planned.dry_run(targets=[target])) == expected


@pytest.mark.parametrize("rule", sorted(SCRIPTS))
def test_an_edit_of_a_script_reruns_its_rule_and_what_follows(planned, change, rule):
    change(f"workflow/scripts/{SCRIPTS[rule]}", "\nEDITED = True\n")
    check_reruns(planned, planned.of(rule))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_an_edit_of_a_module_reruns_the_rules_behind_which_it_is(planned, change, module):
    change(module, "\nEDITED = True\n")
    jobs = set().union(*(planned.of(rule, part) for rule, part in MODULES[module].items()))
    expected = planned.after(jobs)
    assert set(planned.dry_run()) == expected


def test_the_ridge_module_reruns_experts_and_what_follows_but_no_spectra(planned, change):
    change("gravispec/models/ridge.py", "\nEDITED = True\n")
    jobs = planned.dry_run(targets=[MOE])
    assert {"expert", "global_ridge", "expert_predictions", "model", "gate", "summary"} <= rules_of(jobs)
    assert not {"grid_shard", "grid", "spectra", "noisy", "figure_spectra"} & rules_of(jobs)


def test_an_edit_with_an_old_time_stamp_is_seen(planned, change):
    name = "gravispec/report/spectra_figure.py"
    change(name, "\nEDITED = True\n")
    os.utime(planned.path / name, (0, 0))
    jobs = planned.dry_run(targets=[MOE])
    assert rules_of(jobs) == {"figure_spectra", "summary"}


def test_touching_all_code_reruns_nothing(planned):
    code = [p for p in planned.path.rglob("*") if p.suffix in (".py", ".smk", ".csv") and "results" not in p.parts]
    before = {path: path.stat() for path in code}
    assert len(before) > 100
    try:
        for path in before:
            path.touch()
        assert planned.dry_run() == {}
    finally:
        for path, stat in before.items():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_without_the_records_of_snakemake_edits_since_are_seen_and_nothing_else(planned, change):
    records = planned.path / ".snakemake"
    records.rename(planned.path / "kept")
    try:
        assert planned.dry_run() == {}
        change("gravispec/report/spectra_figure.py", "\nEDITED = True\n")
        change("gravispec/evaluation/bootstrap.py", "\nEDITED = True\n")
        jobs = planned.dry_run(targets=[MOE])
        edited = planned.of("figure_spectra") | planned.of("bootstrap") | planned.of("per_bin")
        edited = (edited | planned.of("hypotheses")) & planned.before(MOE)
        assert set(jobs) == planned.after(edited) & planned.before(MOE)
    finally:
        shutil.rmtree(records, ignore_errors=True)
        (planned.path / "kept").rename(records)


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        ("resamples: 2000", "resamples: 1000", {"bootstrap", "per_bin", "residuals", "stress", "validate", "summary"}),
        ("epochs: 100 ", "epochs: 50 ", {"gate", "summary"}),
        ("fallback_weight: 0.5", "fallback_weight: 0.6", {"predictions", "model", "summary"}),
        ("confidence: 0.95", "confidence: 0.9", {"bootstrap", "per_bin", "residuals", "stress", "figures", "summary"}),
    ],
)
def test_a_changed_leaf_of_the_config_reruns_its_dependants(planned, change, old, new, rules):
    change("config/config.yaml", new, old)
    jobs = set().union(*map(planned.of, rules)) & planned.before(MOE)
    assert set(planned.dry_run(targets=[MOE])) == planned.after(jobs) & planned.before(MOE)


def test_adding_a_run_touches_no_other(planned, change):
    mine = "  another: {dataset: smoke, noise_level: 0.5, n_train: 1000}\n  moe_smoke: {"
    change("config/config.yaml", mine, "  moe_smoke: {")
    assert planned.dry_run() == {}
    jobs = planned.dry_run(targets=["results/another/summary.csv"])
    assert [rule for rule, _ in jobs.values()].count("expert") == 9


def test_a_deleted_figure_is_remade_alone(planned):
    path = planned.path / "results/moe_smoke/figures/spectra.png"
    stat = path.stat()
    path.unlink()
    try:
        assert rules_of(planned.dry_run(targets=["results/moe_smoke/figures/spectra.png"])) == {"figure_spectra"}
    finally:
        path.touch()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_fresh_copy_plans_the_whole_main_job(tmp_path):
    planned = Checkout(tmp_path).planned("results/moe_100k/summary.csv")
    assert planned["expert"] == 9
    assert planned["grid_shard"] >= 2
    assert planned["gate"] == 2
    assert planned["summary"] == 1


def test_a_real_run_is_as_complete_as_a_planned_one(smoke, edit):
    assert smoke.planned(MOE) == {}
    edit("gravispec/report/model_figures.py", "\nEDITED = True\n")
    assert set(smoke.planned(MOE)) == {"figures", "summary"}
