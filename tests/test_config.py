"""The configuration: the default file is valid and complete, and mistakes are named in one line."""

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
from gravispec.config.models import ModelBase
from gravispec.config.runs import Catalogue, Run
from gravispec.errors import InputError
from gravispec.plugins import models as plugins
from gravispec.spectra.lte.elements import abundances, load_elements
from gravispec.spectra.lte.synthesis import VALIDITY
from tests.whole_config import RAW, changed, mistake

FILE = Path(__file__).parents[1] / "config" / "config.yaml"
BOSZ_A = {
    "kind": "lte", "grid": "bosz", "n_stars": {"train": 100, "val": 100, "test": 100},
    "labels": {"a_M": {"low": 0, "high": 0.1}},
}  # fmt: skip


@pytest.fixture(scope="module")
def default():
    return yaml.safe_load(FILE.read_text())


def test_the_default_file_is_valid_and_what_it_shows_are_the_defaults(default):
    config, bare = load(default), Config(datasets={}, runs={})
    for section in ("seed", "device", "ridge", "bins", "validation", "evaluation"):
        assert getattr(config, section) == getattr(bare, section), section


def test_what_the_first_job_filled_in_is_what_every_other_job_reads(default):
    for raw in (RAW, default):
        config = load(raw)
        assert load(config.model_dump()) == config
        assert load(config.model_dump(mode="json")) == config


def test_the_default_file_shows_every_key_and_explains_it_where_it_first_stands():
    def keys(model):
        for name, field in model.model_fields.items():
            yield name
            for inner in (field.annotation, *get_args(field.annotation)):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    yield from keys(inner)

    models = (Config, LteGrid, BoszGrid, LteDataset, ModelBase, Run, Catalogue)
    lines = FILE.read_text().splitlines()
    for key in {key for model in models for key in keys(model)}:
        shown = [line for line in lines if re.search(rf"\b{key}\b:", line.strip().removeprefix("# ").split("#")[0])]
        assert shown, f"{key} is not in {FILE}"
        # keys on one line with others, such as {start: ..., stop: ..., n: ...}, share its comment
        assert any("#" in line for line in shown) or key.endswith("_names"), f"{key} is not explained in {FILE}"


MISTAKES = [
    ("runs.mixture.noise_levl", 1, "runs.mixture.noise_levl = 1; unknown key; did you mean 'noise_level'"),
    ("runs.mixture.noise_level", -1, "runs.mixture.noise_level[0] = -1; greater than or equal to 0"),
    ("runs.mixture.noise_level", [], "runs.mixture.noise_level = []; at least 1 item"),
    ("runs.mixture.noise_level", [0.2, 0.20], "runs.mixture.noise_level = [0.2, 0.2]; twice"),
    (
        "runs.mixture.noise_level",
        [0.0, 0.2],
        "runs.mixture.noise_level = [0.0, 0.2]; clean; a leak; begin the run's name",
    ),
    ("runs.five.n_train", 10**6, "runs.five.n_train = 1000000; five has 100000 training stars"),
    ("runs.mixture.n_train", "many", "runs.mixture.n_train[0] = 'many'; valid integer"),
    ("runs.mixture.n_train", [1000, 1000], "runs.mixture.n_train = [1000, 1000]; twice"),
    ("runs.mixture.dataset", "lt", "runs.mixture.dataset = 'lt'; one of lte, large, small; did you mean 'lte'"),
    ("runs.mixture.like", "halv", "runs.mixture.like = 'halv'; not defined; did you mean 'half'"),
    ("runs.mixture.like", ["half"], "runs.mixture.like = ['half']; not defined"),
    ("runs.mixture.like", "half", "like half like mixture goes in a circle"),
    ("runs.mixture", [1], "runs.mixture = [1]; a run has keys"),
    ("runs.mixture.models", [], "runs.mixture.models = []; at least 1 item"),
    ("runs.five.models", ["mlp", "clasify"], "runs.five.models = 'clasify'; did you mean 'classify'"),
    ("runs.mixture.models", ["mlp", "mlp"], "runs.mixture: models: mlp stands there twice"),
    ("runs.mixture.models", ["mlp", {"tower": 3}], "runs.mixture.models[1]; tower"),
    ("runs.mixture.models", ["mlp", {"tower": {"nois_level": 1}}], "runs.mixture.models[1].nois_level; unknown key"),
    (
        "runs.sweep.models",
        ["tower", {"mlp": {"noise_level": 0.3}}],
        "sweep: models.mlp.noise_level = 0.3; one of 0.2, 1.0",
    ),
    (
        "runs.sweep.models",
        ["tower", {"mlp": {"n_train": 9999}}],
        "models.mlp.n_train = 9999; one of 10000, 32000",
    ),
    ("runs.sweep.models", ["tower", {"mlp": {"n_train": []}}], "runs.sweep.models[1].n_train = []; at least 1 item"),
    ("runs.five.models", ["oracle"], "runs.five.models: at noise level 0.5 none does without true labels; add one"),
    ("runs.sweep.models", [{"mlp": {"noise_level": 0.2}}], "runs.sweep.models: at noise level 1 none"),
    ("runs.mixture.reference", "clasify", "runs.mixture: reference = 'clasify'; of this run; did you mean 'classify'"),
    ("runs.mixture.reference", "tower", "runs.mixture: reference = 'tower'; not a model of this run"),
    ("runs.mixture.differences", [["mlp", "tower"]], "runs.mixture: differences[0] = 'tower'; not a model of this run"),
    ("runs.mixture.differences", [["mlp"]], "runs.mixture.differences[0] = ['mlp']; at least 2 items"),
    ("runs.mixture.differences", [["mlp", "mlp"]], "runs.mixture.differences[0] = ['mlp', 'mlp']; twice"),
    (
        "runs.mixture.differences",
        [["mlp", "hard"]] * 2,
        "runs.mixture: differences: ['mlp', 'hard'] stands there twice",
    ),
    ("runs.mixture.rho", ["tower", "oracle"], "runs.mixture: rho = 'tower'; not a model of this run"),
    ("runs.mixture.rho", ["oracle", "oracle"], "runs.mixture.rho = ['oracle', 'oracle']; twice"),
    ("runs.mixture.hypotheses.H1.model", "mpl", "runs.mixture: hypotheses.H1 = 'mpl'; did you mean 'mlp'"),
    ("runs.mixture.hypotheses.H1.at_leat", 1, "runs.mixture.hypotheses.H1.at_leat = 1; did you mean 'at_least'"),
    ("runs.mixture.hypotheses.H1.above", 0, "runs.mixture.hypotheses.H1: give model and at_least or at_most, or diff"),
    ("runs.mixture.hypotheses.H2.difference", ["mlp", "tower"], "hypotheses.H2 = 'tower'; not a model of this run"),
    ("runs.mixture.hypotheses.H1.noise_level", 1, "mixture: hypotheses.H1: mlp is not measured there; noise_level"),
    ("runs.mixture.hypotheses.H1.n_train", 99, "mixture: hypotheses.H1: mlp is not measured there; n_train"),
    ("runs.mixture.catalogue", "tower", "runs.mixture: catalogue = 'tower'; not a model of this run"),
    ("runs.mixture.catalogue", "oracle", "runs.mixture.catalogue = 'oracle'; not without true labels; one of global_r"),
    ("runs.small.covered", "a", "runs.small.covered = 'a': unknown key"),
    ("models.mlp.hiden", 64, "models.mlp.hiden = 64; unknown key; did you mean 'hidden'"),
    ("models.mlp.hidden", 0, "models.mlp.hidden = 0; greater than or equal to 1"),
    ("models.mlp.hidden", "wide", "models.mlp.hidden = 'wide'; valid integer"),
    ("models.mlp.hidden", True, "models.mlp.hidden: true or false"),
    ("models.mlp.learning_rate", float("nan"), "models.mlp.learning_rate = nan; finite"),
    ("models.mlp.gate", "logistic", "models.mlp.gate = 'logistic'; 'classify', 'mlp' or 'linear'"),
    ("models.mlp.family", "windw", "models.mlp.family = 'windw'; did you mean 'window'"),
    ("models.mlp.label", 3, "models.mlp.label = 3; valid string"),
    ("models.tower.families", ["ridge", "topc"], "models.tower.families = 'topc'; did you mean 'topk'"),
    ("models.tower.families", ["pca"], "models.tower.families = ['pca']; needs ridge among them; add it"),
    ("models.tower.families", ["ridge", "ridge"], "models.tower.families = ['ridge', 'ridge']; twice"),
    ("models.tower.famlies", ["pca"], "models.tower.famlies; did you mean 'families'"),
    ("models.tower.ridge_mode", "out_of_fold", "models.tower.ridge_mode = 'out_of_fold'; 'in_sample' or 'cross_fit'"),
    ("models.tower.hidden", [10] * 1000, "models.tower.hidden; at most 10"),
    ("models.tower.dropout", 1.1, "models.tower.dropout = 1.1; less than or equal to 1"),
    ("models.lightgbm.max_bins", 63, "models.lightgbm.max_bins = 63; did you mean 'max_bin'"),
    ("models.lightgbm.threads", 2, "models.lightgbm.threads = 2; unknown key"),
    ("models.lightgbm", {}, "models.lightgbm: needs module, one of dual_tower, exact, fallback"),
    ("models.lightgbm", "lightgbm", "models.lightgbm: needs module, one of dual_tower, exact, fallback"),
    ("models.lightgbm.module", "lightgmb", "models.lightgbm.module = 'lightgmb'; did you mean 'lightgbm'"),
    ("models.lightgbm.module", "../features/pca", "models.lightgbm.module = '../features/pca'; not defined"),
    ("models.lightgbm.module", "x" * 10**4, "models.lightgbm.module = 'xxx; not defined"),
    ("models.lightgbm.module", "bins", "models.lightgbm; gravispec/models/bins.py must define fit"),
    ("models.hard.of", "clasify", "models.hard.of = 'clasify'; not defined; did you mean 'classify'"),
    ("models.hard.of", "hard", "models.hard.of: hard of hard goes in a circle"),
    ("models.fallback.of", "hard_2", "models.fallback.of = 'hard_2'; did you mean 'hard'"),
    ("models.hard.of", "oracle", "models.hard.of: oracle reads true labels, and hard would, too; name another"),
    ("models.MLP", {"module": "mixture"}, "models mlp and MLP; rename one"),
    ("models.mag", {"module": "mixture"}, "models.mag: another column of the predictions is called so; another name"),
    ("models.T_eff_mlp", {"module": "mixture"}, "models.T_eff_mlp: another column of the predictions"),
    ("models.oracle.covered", "mlp", "mixture.models: two rows of the summary would be called mlp; set covered or all"),
    ("models.fallback.covered", "", "mixture.models: two rows of the summary would be called fallback; set covered"),
    ("datasets.own.fwhm", 0, "datasets.own.fwhm = 0; greater than or equal to 0.01"),
    ("device", "gpu", "device = 'gpu'; 'auto', 'cpu' or 'cuda'"),
    ("rigde", {}, "rigde; unknown key; did you mean 'ridge'"),
    ("datasets.lte.kind", "bosz", "datasets.lte.kind = 'bosz'; 'lte', 'pfsspec'"),
    ("datasets.lte.grd", "mr", "datasets.lte.grd = 'mr'; did you mean 'grid'"),
    ("datasets.lte.grid", "mrr", "datasets.lte.grid = 'mrr'; not defined; did you mean 'mr'"),
    (
        "datasets.lte.labels",
        {"T_eff": {"low": 3000, "high": 6000}},
        "datasets.lte.labels.T_eff; 3000; spans 3750..6000",
    ),
    ("datasets.lte.labels", {"T_eff": {"lwo": 3000}}, "datasets.lte.labels.T_eff.lwo = 3000; did you mean 'low'"),
    ("datasets.lte.labels", {"a_M": {"low": 0.1, "high": 0.2}}, "datasets.lte.labels.a_M = 0.1..0.2; no such axis"),
    ("datasets.bosz_a", BOSZ_A, "datasets.bosz_a.labels.a_M = 0..0.1; grid bosz has no such axis"),
    ("datasets.five.labels.a_M.high", 0.6, "datasets.five.labels.a_M = -0.1..0.6; spans -0.1..0.5"),
    ("datasets.five.labels", {}, "datasets.five.labels.a_M: needed; five; {low: -0.1, high: 0.5}"),
    ("datasets.five.labels.C_M.hgh", 0, "labels.C_M.hgh = 0; low, high; did you mean 'high'"),
    ("grids.coarse.axes.T_eff.start", 3000, "grids.coarse.axes: T_eff = 3000..6000; covers 3500..6500"),
    ("grids.five.axes.a_M.start", -1.5, "grids.five.axes: a_M = -1.5..0.5; covers -1..1"),
    ("grids.five.axes.C_M.stp", 0, "grids.five.axes.C_M.stp = 0; start, stop, n; did you mean 'stop'"),
    ("grids.five.axes.C_M.n", 1, "grids.five.axes.C_M.n = 1; ≥ 2"),
    ("grids.five.axes.O_M", {"n": 3}, "grids.five.axes.O_M; unknown key; a_M, C_M"),
    ("grids.bosz.axes", {"a_M": {"start": 0, "stop": 0.5, "n": 3}}, "grids.bosz.axes.a_M; unknown key"),
    ("grids.mr.pixels", {"n": 5000}, "grids.mr.pixels; 9236.0 Å"),
    ("grids.coarse.shards", 101, "grids.coarse; shards = 101; 100 models"),
    ("grids.mr.kind", "bozs", "grids.mr.kind = 'bozs'; 'lte', 'bosz'"),
    ("grids.bosz.medum", "air", "grids.bosz.medum = 'air'; did you mean 'medium'"),
    ("grids.bosz.medium", "water", "grids.bosz.medium = 'water'; 'air' or 'vacuum'"),
    ("grids.bosz.missing", "fill", "grids.bosz.missing = 'fill'; 'error' or 'interpolate'"),
    ("grids.bosz.r", 3000, "grids.bosz.r = 3000; 5000, 10000"),
    ("grids.bosz.r", 5000, "grids.bosz; 1.77 Å wide at 8850 Å; fwhm = 1.6; higher r"),
    ("grids.bosz.v_micro", 3, "grids.bosz.v_micro = 3; 0, 1, 2 or 4"),
    ("grids.bosz.a_M", 0.3, "grids.bosz; a_M: 0.3 is no node of BOSZ; 0.25"),
    ("grids.bosz.source", "", "grids.bosz.source = ''; at least 1 character"),
    (
        "grids.bosz.axes",
        {"T_eff": {"start": 3750, "stop": 6000, "n": 9}},
        "grids.bosz; axes.T_eff: 4031.25 is no node; multiples of 250",
    ),
    ("grids.bosz.axes", {"M_H": {"start": -3.25, "stop": 0.75, "n": 17}}, "grids.bosz; axes.M_H; from -2.5 to 0.75"),
    ("bins", {"T_eff": [4000, 3000]}, "bins; must increase"),
    ("validation", {"fit": 0.95}, "validation; leave stars for calibration"),
    ("comparisons.sizes", ["half", "hlf"], "comparisons.sizes = 'hlf'; not defined; did you mean 'half'"),
    ("comparisons.sizes", ["half"], "comparisons.sizes = ['half']; at least 2 items"),
    (
        "comparisons.trees",
        ["half:mlp", "sweep:lightgmb"],
        "comparisons.trees: model of sweep = 'lightgmb'; mean 'lightgbm'",
    ),
    ("comparisons.trees", ["half:mlp", "sweep"], "comparisons.trees = ['half:mlp', 'sweep']; runs alone, or run:model"),
    (
        "comparisons.sizes",
        ["half", "small"],
        "comparisons.sizes; lte and small have different test stars; n_stars.test",
    ),
    ("comparisons.sizes", ["half", "five"], "comparisons.sizes; no noise level in common"),
    ("comparisons.trees", ["leak:tower", "sweep:mlp"], "comparisons.trees; no noise level in common"),
    ("runs.five.noise_level", 0.2, "catalogues.survey.runs: mixture and five have the same noise level 0.2; name one"),
    ("catalogues.survey.runs", ["mixtur"], "catalogues.survey.runs = 'mixtur'; did you mean 'mixture'"),
    ("catalogues.survey.model", "mpl", "catalogues.survey.model = 'mpl'; of run mixture; did you mean 'mlp'"),
    ("catalogues.survey.model", "oracle", "catalogues.survey.model = 'oracle'; without true labels"),
]


@pytest.mark.parametrize(("path", "value", "expected"), MISTAKES)
def test_a_mistake_is_named_in_one_line(path, value, expected):
    message = mistake(changed(path, value))
    for part in expected.split("; "):
        assert message is not None
        assert part in message


OLD = [
    ("runs.mixture.kind", "moe", "take kind away"),
    ("runs.mixture.noise_levels", [0.1], "write noise_level: [0.1, 0.2, ...]"),
    ("runs.mixture.towers", {"F1F2": {"families": ["ridge"]}}, "{module: tower, families: [...]}"),
    ("runs.mixture.ridge_modes", ["in_sample"], "{module: tower, ridge_mode: in_sample}"),
    ("runs.mixture.ridge_mode", "in_sample", "{module: tower, ridge_mode: cross_fit}"),
    ("runs.mixture.families", ["ridge"], "{module: tower, families: [...]}"),
    ("runs.mixture.baselines", ["lightgbm"], "name them among the run's models"),
    ("baselines", {"lightgbm": {"model": "lightgbm"}}, "under models:, as {module: lightgbm, max_bin: 63}"),
    ("baseline_comparisons", {}, "comparisons: {name: [run:model, other_run:model]}"),
    ("gates", {"fit": 0.7}, "fit and stop are in validation:"),
    ("tower", {"hidden": [256, 64]}, "models: {tower: {module: tower, hidden: [256, 64]}}"),
    ("n_val", 5000, "write validation: {n_val: ...}"),
]


@pytest.mark.parametrize(("path", "value", "remedy"), OLD, ids=[path for path, _, _ in OLD])
def test_a_key_of_the_first_version_is_refused_with_what_to_write_instead(path, value, remedy):
    message = mistake(changed(path, value))
    assert message.startswith(f"config: {path}: a key of version 0.1; ")
    assert remedy in message


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        ({"continuum": 100}, "the data set has a running continuum; set continuum: 0"),
        ({"median": "clean"}, "the data set has median: clean; set median: noisy"),
        ({"kind": "pfsspec", "train": "a", "val": "b", "test": "c"}, "a data set of kind pfsspec has no grid"),
    ],
)
def test_a_model_that_needs_the_forward_model_is_refused_where_there_is_none(default, dataset, reason):
    used = {"kind": "lte", "grid": "mr", "n_stars": {"train": 100, "val": 100, "test": 100}}
    used = dataset if "kind" in dataset else used | dataset
    run = {"dataset": "used", "noise_level": 0.2, "n_train": 100, "models": ["global_ridge", "posterior"]}
    raw = default | {"datasets": {"used": used}, "runs": {"mine": run}, "comparisons": {}}
    with pytest.raises(InputError, match="posterior needs the forward model") as error:
        load(raw)
    assert reason in str(error.value)


def test_models_that_name_each_other_in_a_circle():
    raw = changed("models.hard.of", "fallback", changed("models.fallback.of", "hard"))
    assert "goes in a circle" in mistake(raw)


def test_runs_without_a_model_in_common_are_compared_by_run_and_model():
    raw = changed("runs.other", {"dataset": "lte", "noise_level": 0.2, "n_train": 100, "models": ["tower"]})
    assert "no model in common; give run:model" in mistake(changed("comparisons.sizes", ["half", "other"], raw))
    assert mistake(changed("comparisons.sizes", ["half:mlp", "other:tower"], raw)) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def fit(flux, labls): ...", "model mine: fit asks for labls; it can have flux, sigma"),
        ("def fit(labels): ...\ndef predict(clean): ...", "model mine: predict asks for clean; it can have"),
        ("def fitted(flux): ...", "gravispec/models/mine.py must define fit(...)"),
        ("def fit(labels, *, depth=3): ...", "model mine: option depth needs a type, of int, str"),
        ("DECLARES = ('fast',)\ndef fit(labels): ...", "model mine: DECLARES fast; it can be truth"),
        ("LABELS = ('T_eff',)\ndef fit(labels): ...", "model mine: LABELS ('T_eff',); it can be the first of log_g"),
        ("def fit(stars): ...", "a model that reads it must declare 'truth'"),
        ("def fit(features): ...", "model mine: reads features; it needs an option family or families"),
        ("def fit(other): ...", "model mine: reads another model; it needs an option of"),
    ],
)
def test_a_module_that_cannot_be_a_model_is_named_with_what_it_needs(tmp_path, monkeypatch, source, expected):
    (tmp_path / "mine.py").write_text(source)
    monkeypatch.setattr(plugins, "FOLDER", tmp_path)
    monkeypatch.setattr("gravispec.config.models.FOLDER", tmp_path)
    plugins.plugin.cache_clear()
    try:
        message = mistake(RAW | {"models": {"mine": {"module": "mine"}}})
    finally:
        plugins.plugin.cache_clear()
    assert message.startswith("config: models.mine: ")
    assert expected in message


def test_like_takes_what_is_not_given_and_no_names_of_models_that_are_replaced():
    runs = load(changed("runs.own", {"like": "mixture", "models": ["tower", "lightgbm"], "n_train": 500})).runs
    assert runs["half"] == runs["mixture"].model_copy(
        update={"n_train": [50_000], "hypotheses": runs["half"].hypotheses}
    )
    own = runs["own"]
    assert (own.dataset, own.noise_level, own.n_train) == ("lte", [0.2], [500])
    assert (own.reference, own.differences, own.rho, own.catalogue) == ("tower", [["lightgbm", "tower"]], None, None)
    assert own.hypotheses == {}


def test_a_limited_model_is_measured_where_it_is_named_alone():
    cells = load(RAW).runs["sweep"].cells()
    assert [(level, n) for level, n, _ in cells] == [(0.2, 10_000), (0.2, 32_000), (1.0, 10_000), (1.0, 32_000)]
    assert [(level, n) for level, n, names in cells if "mlp" in names] == [(0.2, 32_000)]


def test_the_limits_of_a_built_in_grid_are_those_of_the_synthesis():
    assert LTE_LIMITS.items() <= VALIDITY.items()


def test_carbon_never_takes_all_oxygen_of_a_model_of_a_grid_with_abundances(default):
    """C/O below 0.7: at 1 all oxygen is in CO, TiO vanishes, and no spline over three nodes would follow."""
    names = load_elements().names
    grids = [grid.axes.nodes() for grid in load(default).grids.values()]
    nodes = [axes[n] for axes in grids if {"a_M", "C_M"} <= axes.keys() for n in ("M_H", "a_M", "C_M")]
    for M_H, a_M, C_M in [star for i in range(0, len(nodes), 3) for star in itertools.product(*nodes[i : i + 3])]:
        found = abundances(M_H, a_M, C_M)
        assert found[names.index("C")] / found[names.index("O")] < 0.7


def test_three_labels_are_what_they_were_before_there_were_five():
    """The parts of the configuration that jobs are given, and that results are hashed with."""
    config = load(RAW)
    content = config.model_dump()
    assert list(content["grids"]["mr"]["axes"]) == ["T_eff", "log_g", "M_H"]
    assert list(content["datasets"]["lte"]["labels"]) == ["T_eff", "log_g", "M_H", "beta", "mag"]
    assert list(config.grids["five"].axes.nodes()) == ["T_eff", "log_g", "M_H", "a_M", "C_M"]


@pytest.mark.parametrize("key", ["dataset", "noise_level", "n_train", "models"])
def test_a_missing_key_is_named(key):
    run = {name: value for name, value in RAW["runs"]["five"].items() if name != key}
    assert mistake(changed("runs.five", run)) == f"config: runs.five.{key}: this key is needed and missing"
