"""The configuration: the default file is valid and complete, and mistakes are named in one line."""

import copy
import itertools
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from gravispec.config import Config, load
from gravispec.config.datasets import LteDataset
from gravispec.config.grids import LTE_LIMITS, BoszGrid, LteGrid
from gravispec.config_benchmark import mixture_at, tower_at
from gravispec.config_runs import BaselineComparison, BenchmarkRun, FeatureSet, MoeRun, TowerRun
from gravispec.errors import InputError
from gravispec.spectra.lte.elements import abundances, load_elements
from gravispec.spectra.lte.synthesis import VALIDITY

FILE = Path(__file__).parents[1] / "config" / "config.yaml"
BOSZ_A = {
    "kind": "lte", "grid": "bosz", "n_stars": {"train": 100, "val": 100, "test": 100},
    "labels": {"a_M": {"low": 0, "high": 0.1}},
}  # fmt: skip


@pytest.fixture
def raw():
    return yaml.safe_load(FILE.read_text())


def test_default_file_is_valid_and_equals_the_defaults_of_the_models(raw):
    config = load(raw)
    kinds = {name: config.runs[name].kind for name in raw["runs"]}
    assert kinds == {
        "moe_100k": "moe", "moe_32k": "moe", "moe_continuum": "moe", "moe_5d": "moe", "moe_1m": "moe",
        "moe_smoke": "moe",
        "global_32k": "tower", "tower_smoke": "tower", "leak_demo": "tower",
        "benchmark": "benchmark", "benchmark_smoke": "benchmark",
    }  # fmt: skip
    defaults = Config(**{name: raw[name] for name in ("datasets", "runs", "grids", "baselines")})
    for section in ("seed", "n_val", "device", "ridge", "bins", "gates", "tower", "evaluation"):
        assert getattr(config, section) == getattr(defaults, section), section
    assert config.grids["mr"].model_copy(update={"shards": 1}) == defaults.grids["mr"].model_copy(update={"shards": 1})


def test_default_file_shows_every_key_and_explains_it_where_it_first_stands(raw):
    def keys(model):
        for name, field in model.model_fields.items():
            yield name
            for inner in (field.annotation, *get_args(field.annotation)):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    yield from keys(inner)

    models = (Config, LteGrid, BoszGrid, LteDataset, MoeRun, TowerRun, FeatureSet, BenchmarkRun, BaselineComparison)
    lines = FILE.read_text().splitlines()
    for key in {key for model in models for key in keys(model)} - {"names"}:
        shown = [line for line in lines if re.search(rf"\b{key}\b:", line.strip().removeprefix("# ").split("#")[0])]
        assert shown, f"{key} is not in {FILE}"
        # keys on one line with others, such as {start: ..., stop: ..., n: ...}, share its comment
        assert any("#" in line for line in shown) or key.endswith("_names"), f"{key} is not explained in {FILE}"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("runs.moe_100k.noise_levl", 1, ["runs.moe_100k.noise_levl = 1", "unknown key", "did you mean 'noise_level'"]),
        ("runs.moe_100k.noise_level", -1, ["runs.moe_100k.noise_level = -1", "≥ 0", "≤ 10"]),
        ("runs.moe_100k.n_train", 10**6, ["runs.moe_100k.n_train = 1000000", "100000 training stars"]),
        ("runs.moe_100k.n_train", "many", ["runs.moe_100k.n_train = 'many'", "valid integer"]),
        (
            "runs.moe_100k.dataset",
            "lt",
            ["runs.moe_100k.dataset = 'lt'", "one of lte, lte_continuum, lte_1m, lte_5d, smoke", "did you mean 'lte'"],
        ),
        ("runs.moe_100k.kind", "mo", ["runs.moe_100k.kind = 'mo'", "'moe', 'tower', 'benchmark'"]),
        ("runs.global_32k.towers.F1F2.families", ["ridge", "topc"], ["towers.F1F2.families", "'topc'", "mean 'topk'"]),
        ("runs.global_32k.towers.F1F2.families", ["pca"], ["towers.F1F2.families", "must include ridge"]),
        ("runs.global_32k.towers.F1F2.families", ["pca", "ridge", "topk"], ["F1F2F3 and F1F2", "the same families"]),
        ("runs.global_32k.towers.F1F2.noise_levels", [], ["towers.F1F2.noise_levels", "at least 1 item"]),
        ("runs.global_32k.towers.F1F2.noise_levels", [0.0], ["towers.F1F2.noise_levels = [0.0]", "clean", "a leak"]),
        ("runs.global_32k.towers.F1F2.famlies", ["pca"], ["towers.F1F2.famlies", "did you mean 'families'"]),
        ("runs.global_32k.ridge_modes", ["out_of_fold"], ["ridge_modes", "'in_sample' or 'cross_fit'"]),
        ("runs.global_32k.n_train", 10**6, ["runs.global_32k.n_train = 1000000", "100000 training stars"]),
        (
            "runs.global_32k.baselines",
            ["lightgmb"],
            ["global_32k.baselines = 'lightgmb'", "did you mean 'lightgbm'"],
        ),
        ("baselines.lightgbm.model", "xgboost", ["baselines.lightgbm.model", "'xgboost'", "one of lightgbm, metadata"]),
        (
            "datasets.lte",
            {"kind": "pfsspec", "train": "a.h5", "val": "b.h5", "test": "c.h5", "fwhm": 0},
            ["datasets.lte.fwhm = 0", "greater than or equal to 0.01"],
        ),
        ("tower.dropout", 1.0, ["tower.dropout = 1.0", "< 1"]),
        ("device", "gpu", ["device = 'gpu'", "'auto', 'cpu' or 'cuda'"]),
        ("rigde", {}, ["rigde", "unknown key", "did you mean 'ridge'"]),
        ("datasets.lte.kind", "bosz", ["datasets.lte.kind = 'bosz'", "'lte', 'pfsspec'"]),
        ("datasets.lte.grd", "mr", ["datasets.lte.grd = 'mr'", "did you mean 'grid'"]),
        ("datasets.lte.labels.T_eff.low", 3000, ["datasets.lte.labels.T_eff", "3000", "grid mr spans 3750..6000"]),
        ("datasets.lte.labels.T_eff.lwo", 3000, ["datasets.lte.labels.T_eff.lwo = 3000", "did you mean 'low'"]),
        ("datasets.lte.labels.a_M", {"low": 0.1, "high": 0.2}, ["datasets.lte.labels.a_M = 0.1..0.2", "no such axis"]),
        ("datasets.bosz_a", BOSZ_A, ["datasets.bosz_a.labels.a_M = 0..0.1", "grid bosz has no such axis"]),
        ("datasets.lte_5d.labels.a_M.high", 0.6, ["datasets.lte_5d.labels.a_M = -0.1..0.6", "spans -0.1..0.5"]),
        ("datasets.lte_5d.labels", {}, ["datasets.lte_5d.labels.a_M: needed", "mr_5d", "{low: -0.1, high: 0.5}"]),
        ("datasets.lte_5d.labels.C_M.hgh", 0, ["labels.C_M.hgh = 0", "low, high", "did you mean 'high'"]),
        ("grids.mr.axes.T_eff.start", 3000, ["grids.mr.axes: T_eff = 3000..6000", "covers 3500..6500"]),
        ("grids.mr_5d.axes.a_M.start", -1.5, ["grids.mr_5d.axes: a_M = -1.5..0.5", "covers -1..1"]),
        ("grids.mr_5d.axes.C_M.stp", 0, ["grids.mr_5d.axes.C_M.stp = 0", "start, stop, n", "did you mean 'stop'"]),
        ("grids.mr_5d.axes.C_M.n", 1, ["grids.mr_5d.axes.C_M.n = 1", "≥ 2"]),
        ("grids.mr_5d.axes.O_M", {"n": 3}, ["grids.mr_5d.axes.O_M", "unknown key", "a_M, C_M"]),
        ("grids.bosz.axes.a_M", {"start": 0, "stop": 0.5, "n": 3}, ["grids.bosz.axes.a_M", "unknown key"]),
        ("grids.mr.pixels.n", 5000, ["grids.mr.pixels", "9236.0 Å"]),
        ("grids.smoke.shards", 101, ["grids.smoke", "shards = 101", "100 models"]),
        ("grids.mr.kind", "bozs", ["grids.mr.kind = 'bozs'", "'lte', 'bosz'"]),
        ("grids.bosz.medum", "air", ["grids.bosz.medum = 'air'", "did you mean 'medium'"]),
        ("grids.bosz.medium", "water", ["grids.bosz.medium = 'water'", "'air' or 'vacuum'"]),
        ("grids.bosz.missing", "fill", ["grids.bosz.missing = 'fill'", "'error' or 'interpolate'"]),
        ("grids.bosz.r", 3000, ["grids.bosz.r = 3000", "5000, 10000"]),
        ("grids.bosz.r", 5000, ["grids.bosz", "1.77 Å wide at 8850 Å", "fwhm = 1.6", "higher r"]),
        ("grids.bosz.v_micro", 3, ["grids.bosz.v_micro = 3", "0, 1, 2 or 4"]),
        ("grids.bosz.a_M", 0.3, ["grids.bosz", "a_M: 0.3 is no node of BOSZ", "0.25"]),
        ("grids.bosz.source", "", ["grids.bosz.source = ''", "at least 1 character"]),
        ("grids.bosz.axes.T_eff.n", 9, ["grids.bosz", "axes.T_eff: 4031.25 is no node", "multiples of 250"]),
        ("grids.bosz.axes.M_H.start", -3.25, ["grids.bosz", "axes.M_H", "from -2.5 to 0.75"]),
        ("bins.T_eff", [4000, 3000], ["bins", "must increase"]),
        ("gates.fit", 0.95, ["gates", "leave stars for calibration"]),
        ("comparisons.moe_scaling", ["moe_32k", "moe_10k"], ["comparisons.moe_scaling = 'moe_10k'", "not defined"]),
        ("comparisons.moe_scaling", ["moe_32k", "global_32k"], ["comparisons.moe_scaling = 'global_32k'", "moe_100k"]),
        ("runs.benchmark.noise_levels", [0.0, 1.0], ["runs.benchmark.noise_levels[0] = 0.0", "greater than 0"]),
        ("runs.benchmark.noise_levels", [0.2, 0.2], ["runs.benchmark.noise_levels = [0.2, 0.2]", "twice"]),
        ("runs.benchmark.families", ["pca"], ["runs.benchmark.families", "must include ridge"]),
        ("runs.benchmark.n_train", 10**6, ["benchmark", "n_train = 1000000", "100000 training stars"]),
        ("runs.benchmark.baselines", ["lightgmb"], ["runs.benchmark.baselines = 'lightgmb'", "mean 'lightgbm'"]),
        ("runs.benchmark.baselines", ["ridge"], ["runs.benchmark", "'ridge'", "rename the baseline"]),
        (
            "runs.benchmark_moe_0p1",
            {"dataset": "smoke", "n_train": 100},
            ["runs.benchmark_moe_0p1", "benchmark needs this name"],
        ),
        (
            "baseline_comparisons.moe_lightgbm.run",
            "global_32k",
            ["baseline_comparisons.moe_lightgbm.run = 'global_32k'", "moe_100k"],
        ),
        ("baseline_comparisons.moe_lightgbm.baseline", "trees", ["moe_lightgbm.baseline = 'trees'", "lightgbm"]),
        ("baseline_comparisons.moe_lightgbm.n_train", 10**6, ["moe_lightgbm.n_train = 1000000", "100000 training"]),
        (
            "baseline_comparisons.moe_scaling",
            {"run": "moe_100k", "baseline": "lightgbm", "n_train": 100},
            ["baseline_comparisons.moe_scaling", "rename one"],
        ),
    ],
)
def test_a_mistake_is_named_in_one_line(raw, path, value, expected):
    changed = copy.deepcopy(raw)
    *parents, key = path.split(".")
    section = changed
    for parent in parents:
        section = section[parent]
    section[key] = value
    with pytest.raises(InputError) as error:
        load(changed)
    message = str(error.value)
    assert "\n" not in message
    for part in expected:
        assert part in message, message


def test_the_limits_of_a_built_in_grid_are_those_of_the_synthesis():
    assert LTE_LIMITS.items() <= VALIDITY.items()


def test_carbon_never_takes_all_oxygen_of_a_model_of_the_five_label_grid(raw):
    """C/O below 0.7: at 1 all oxygen is in CO, TiO vanishes, and no spline over three nodes would follow."""
    names = load_elements().names
    for M_H, a_M, C_M in itertools.product(*(load(raw).grids["mr_5d"].axes.nodes()[n] for n in ("M_H", "a_M", "C_M"))):
        found = abundances(M_H, a_M, C_M)
        assert found[names.index("C")] / found[names.index("O")] < 0.7


def test_three_labels_are_what_they_were_before_there_were_five(raw):
    """The parts of the configuration that jobs are given, and that results are hashed with."""
    config = load(raw).model_dump()
    assert list(config["grids"]["mr"]["axes"]) == ["T_eff", "log_g", "M_H"]
    assert list(config["datasets"]["lte"]["labels"]) == ["T_eff", "log_g", "M_H", "beta", "mag"]
    assert list(load(raw).grids["mr_5d"].axes.nodes()) == ["T_eff", "log_g", "M_H", "a_M", "C_M"]


def test_a_missing_key_is_named(raw):
    del raw["runs"]["moe_100k"]["n_train"]
    with pytest.raises(InputError, match=r"runs\.moe_100k\.n_train: this key is needed and missing"):
        load(raw)


def test_a_benchmark_uses_the_runs_there_are_and_implies_the_others(raw):
    config = load(raw)
    implied = {name: run for name, run in config.runs.items() if name not in raw["runs"]}
    levels = {name: run.levels() for name, run in implied.items() if name.startswith("benchmark_moe")}
    assert levels == {
        "benchmark_moe_0p1": [0.1], "benchmark_moe_0p5": [0.5],
        "benchmark_moe_1p0": [1.0], "benchmark_moe_2p0": [2.0],
    }  # fmt: skip
    benchmark = config.runs["benchmark"]
    assert mixture_at(config.runs, benchmark, 0.2) == "moe_32k"
    assert mixture_at(config.runs, benchmark, 2.0) == "benchmark_moe_2p0"
    assert tower_at(config.runs, benchmark, 1.0) == ("global_32k", "F1F2F3F4")
    assert tower_at(config.runs, benchmark, 0.5) == ("benchmark_towers", "tower")
    assert implied["benchmark_towers"].levels() == [0.2, 0.5, 2.0]
    assert implied["benchmark_towers"].ridge_modes == ["cross_fit"]
    # every job of Snakemake reads what the first one filled in
    assert load(config.model_dump()) == config
