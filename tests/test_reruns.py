"""Exact partial reruns: an edit runs its own jobs and what waits for them again, a touch runs nothing.

Nothing is computed here: outputs are empty files that Snakemake has recorded as made (``tests.planned_jobs``). What has
to run again is found by a walk through the jobs of a forced dry run.
"""

import os
import shutil

import pytest
import yaml

from gravispec.data.bosz import wave_file
from tests.conftest import REPO
from tests.planned_jobs import Planned
from tests.workflow_rules import SCRIPTS

pytestmark = pytest.mark.slow
MOE, TOWERS = "results/moe_smoke/summary.csv", "results/tower_smoke/summary.csv"
TARGETS = [MOE, TOWERS, "results/levels/summary.csv"]
TARGETS += [f"results/noisy/{dataset}/noise_0.2/test_0.npy" for dataset in ("mine", "published")]
TARGETS += ["results/comparison/growth.csv", "results/catalogues/survey.fits"]
USER_FILES = {split: f"data/{split}.h5" for split in ("train", "val", "test")}
#: a family with a fit, and a model that serves all noise levels
FITTED = '''"""Family ``centred``: deviation from the mean training spectrum."""
DEFINITION = UNIT = "flux"
NAMES = ("deviation",)
def fit(flux): return flux
def features(flux, fitted): return flux[:, :1]
'''
ANY_LEVEL = '''"""The same at all noise levels."""
DECLARES = ("all_levels",)
class Constant:
    def predict(self, flux): return {"log_g": flux[:, 0]}
def fit(labels): return Constant()
'''
MORE = {
    "datasets": {
        "mine": {"kind": "pfsspec", **USER_FILES},
        "published": {"kind": "lte", "grid": "folder", "n_stars": {"train": 2400, "val": 600, "test": 600}},
    },
    "models": {"centred": {"module": "mixture", "family": "centred"}, "any_level": {"module": "any_level"}},
    "runs": {
        "levels": {
            "like": "benchmark_smoke",
            "models": ["global_ridge", "network", "centred", "any_level"],
            "catalogue": None,
        },
        "small": {"like": "moe_smoke", "n_train": 1500, "models": ["global_ridge"], "rho": None},
    },
    "comparisons": {"growth": ["small", "moe_smoke"]},
    "catalogues": {"survey": {"runs": ["moe_smoke"], "files": ["data/*.fits"]}},
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Every rule of the workflow."""
    path = tmp_path_factory.mktemp("planned")
    grid = yaml.safe_load((REPO / "config/config.yaml").read_text())["grids"]["bosz"]
    folder = {**grid, "source": "bosz", "shards": 2}
    files = dict.fromkeys((*USER_FILES.values(), "data/a.fits", "data/b.fits", f"bosz/{wave_file(grid['r'])}"), "")
    files |= {"gravispec/features/centred.py": FITTED, "gravispec/models/any_level.py": ANY_LEVEL}
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
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
        os.utime(path, (0, 0))  # what a file says counts, not its age

    yield edit
    for path, content, stat in reversed(undo):
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def paths(jobs):
    return {path for outputs in jobs for path in outputs}


def models_of(jobs):
    """Names of the models whose jobs these are."""
    return {path.split("/")[5] for path in paths(jobs) if path.startswith("results/models/")}


def runs_of(jobs):
    """Names of the runs in whose folders something is made."""
    return {path.split("/")[1] for path in paths(jobs)} & {"moe_smoke", "tower_smoke", "levels", "small"}


@pytest.mark.parametrize("rule", ["expert", "calibration", "figure_spectra", "spectra_from_file"])
def test_an_edit_of_a_script_reruns_its_rule_and_what_follows(planned, change, rule):
    change(f"workflow/scripts/{SCRIPTS[rule]}", "\nEDITED = True\n")
    assert set(planned.dry_run()) == planned.after(planned.of(rule))


#: a module; which models and runs it is behind; rules whose jobs must not be planned
MODULES = {
    "gravispec/models/tower.py": ({"tower", "tower_in_sample", "tower_f12"}, {"tower_smoke"}, {"feature", "expert"}),
    "gravispec/features/topk.py": ({"tower", "tower_in_sample"}, {"tower_smoke"}, {"expert", "global_ridge"}),
    "gravispec/features/centred.py": ({"centred"}, {"levels"}, {"expert", "global_ridge"}),
    "gravispec/models/any_level.py": ({"any_level"}, {"levels"}, {"feature", "expert"}),
    "gravispec/report/figures/residuals.py": (
        set(), {"moe_smoke", "tower_smoke", "levels"}, {"figure_spectra", "predictions", "validate"},
    ),
    "gravispec/models/gates.py": (
        {"classify", "linear", "mlp", "hard", "mlp_fallback", "centred"},
        {"moe_smoke", "levels"},
        {"feature", "expert"},
    ),
    "gravispec/evaluation/comparison.py": (set(), set(), {"summary", "model"}),
}  # fmt: skip


@pytest.mark.parametrize("module", sorted(MODULES))
def test_an_edit_of_a_module_reruns_what_reads_it_and_nothing_else(planned, change, module):
    models, runs, not_again = MODULES[module]
    change(module, "\nEDITED = True\n")
    jobs = planned.dry_run()
    assert set(jobs) == planned.after({outputs for outputs, (_, read) in planned.jobs.items() if module in read})
    assert models_of(jobs) == models
    assert runs_of(jobs) == runs
    assert jobs
    assert not not_again & {rule for rule, _ in jobs.values()}


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
        for name in ("gravispec/report/spectra_figure.py", "gravispec/evaluation/coverage.py"):
            change(name, "\nEDITED = True\n")
            (planned.path / name).touch()
        edited = {
            outputs for outputs, (_, read) in planned.jobs.items()
            if read & {"gravispec/report/spectra_figure.py", "gravispec/evaluation/coverage.py"}
        }  # fmt: skip
        assert set(planned.dry_run(targets=[MOE])) == planned.after(edited) & planned.before(MOE)
    finally:
        shutil.rmtree(records, ignore_errors=True)
        (planned.path / "kept").rename(records)


@pytest.mark.parametrize(
    ("old", "new", "jobs"),
    [
        ("resamples: 2000", "resamples: 1000", [("tables", ""), ("quality", ""), ("stress", ""), ("trained_run", "")]),
        ("epochs: 100  ", "epochs: 50  ", [("model", "/mlp/")]),
        ("weight: 0.5", "weight: 0.6", [("model", "/mlp_fallback/")]),
        (
            "confidence: 0.95",
            "confidence: 0.9",
            [(rule, "") for rule in ("tables", "quality", "stress", "trained_run", "figures_weights")],
        ),
    ],
)
def test_a_changed_leaf_of_the_config_reruns_its_dependants(planned, change, old, new, jobs):
    change("config/config.yaml", new, old)
    mine = set().union(*(planned.of(*job) for job in jobs)) & planned.before(MOE)
    assert set(planned.dry_run(targets=[MOE])) == planned.after(mine) & planned.before(MOE)


def test_a_new_model_in_one_run_touches_no_other(planned, change):
    module = planned.path / "gravispec/models/mine.py"
    module.write_text(ANY_LEVEL.replace('("all_levels",)', "()"))
    change("config/config.yaml", "  mine: {module: mine}\n  mlp:\n", "  mlp:\n")
    change("config/config.yaml", "models: [global_ridge, mine, tower,", "models: [global_ridge, tower,")
    try:
        jobs = planned.dry_run()
    finally:
        module.unlink()
    assert models_of(jobs) == {"mine"}
    assert runs_of(jobs) == {"tower_smoke"}
    made = {path.split("/")[1] for path in paths(jobs)}
    assert made <= {"models", "tower_smoke", "noisy", "spectra"}  # and temporary files of the same
    assert planned.after({outputs for outputs in jobs if outputs in planned.jobs}) >= set(jobs) - {
        outputs for outputs in jobs if "/mine/" in next(iter(outputs))
    }


def test_a_new_run_touches_no_other_and_takes_what_is_there(planned, change):
    mine = "  another: {like: moe_smoke, models: [global_ridge, mlp], noise_level: [0.2, 0.5]}\n  moe_smoke: {"
    change("config/config.yaml", mine, "  moe_smoke: {")
    assert planned.dry_run() == {}
    jobs = planned.dry_run(targets=["results/another/summary.csv"])
    assert models_of(jobs) == {"mlp"}  # global_ridge is there at both levels, mlp at one
    assert not [path for path in paths(jobs) if path.startswith("results/models") and "/noise_0.2/" in path]
    assert not runs_of(jobs)


def test_a_deleted_figure_is_remade_alone(planned):
    path = planned.path / "results/moe_smoke/figures/spectra.png"
    stat = path.stat()
    path.unlink()
    try:
        jobs = planned.dry_run(targets=["results/moe_smoke/figures/spectra.png"])
        assert {rule for rule, _ in jobs.values()} == {"figure_spectra"}
    finally:
        path.touch()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_real_run_is_as_complete_as_a_planned_one(smoke, edit):
    assert smoke.planned(MOE) == {}
    edit("gravispec/report/figures/gate_weights.py", "\nEDITED = True\n")
    assert set(smoke.planned(MOE)) == {"figures_weights", "summary"}
    assert smoke.planned("--forceall", MOE)["expert"] == 9


def test_the_device_is_no_reason_to_run_again(smoke, more):
    assert smoke.planned(*more(device="cpu"), MOE) == {}
