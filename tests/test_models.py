"""Models: the check that all of them pass, what is special about each, and what a plug-in may not say."""

import numpy as np
import pandas as pd
import pytest
import torch

from gravispec.config.models import checked
from gravispec.errors import InputError
from gravispec.evaluation.cells import scores
from gravispec.models import lightgbm, metadata, model, residual_mlp
from gravispec.models.given import Parts, Rows
from gravispec.models.oracle import Oracle
from gravispec.models.ridge import ridge_cv
from gravispec.models.rows import gather
from gravispec.plugins import models as plugins
from gravispec.plugins.models import modules, plugin
from tests.model_check import SIZES, SmallStars, check_model

N, N_PIXELS, SEED = {"train": 900, "val": 300, "test": 300}, 30, 5


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SmallStars(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def permuted(tmp_path_factory):
    order = np.random.default_rng(1).permutation(SIZES["test"])
    return SmallStars(tmp_path_factory.mktemp("permuted"), order)


@pytest.mark.parametrize("module", modules())
def test_every_module_passes_the_check(module, data, permuted, tmp_path):
    check_model(module, data, permuted, tmp_path / "model.safetensors")


def test_a_mixture_with_another_gate_and_a_tower_in_sample_work_too(data):
    for module, options in (
        ("mixture", {"gate": "linear", "epochs": 5}),
        ("mixture", {"gate": "classify"}),
        ("tower", {"ridge_mode": "in_sample", "families": ("ridge", "window"), "epochs": 5, "seeds": 2}),
        ("global_ridge", {"alpha": 5.0}),
    ):
        options = {name: default for name, (_, default) in plugin(module).options.items()} | options
        table = data.fit(module, options)[1].query("split == 'test'")
        assert scores(data.stars["log_g"][-SIZES["test"] :], table["log_g"])["r2"] > 0.5, (module, options)


def test_global_ridge_is_that_of_the_workflow_or_has_the_penalty_that_is_asked_for(data):
    mine, _ = data.fit("global_ridge", {"alpha": 0.0})
    np.testing.assert_array_equal(mine.coef, data.fits.ridge.coef)
    fixed, _ = data.fit("global_ridge", {"alpha": 5.0})
    assert fixed.about == {"alpha": 5.0, "n": SIZES["train"]}
    n, labels = SIZES["train"], data.stars[["log_g", "T_eff", "M_H"]].to_numpy()
    expected = ridge_cv([(data.flux[:n], labels[:n])], n, alphas=[5.0], seed=1)
    np.testing.assert_allclose(fixed.coef, expected.coef, rtol=1e-9, atol=1e-12)


def test_hard_and_fallback_follow_the_weights_of_their_mixture(data):
    rng = np.random.default_rng(0)
    w, experts, ridge = rng.dirichlet(np.ones(4), 50), rng.normal(size=(50, 4, 3)), rng.normal(size=(50, 3))
    other = {"w": w, "log_g": rng.normal(size=50), "T_eff": rng.normal(size=50), "M_H": rng.normal(size=50)}
    hard = data.fit("hard", {"of": "classify"})[0].predict(other=other, experts=experts)
    np.testing.assert_allclose(hard["log_g"], experts[np.arange(50), w.argmax(axis=1), 0])
    assert (hard["w"].max(axis=1) == 1).all()
    fallback = data.fit("fallback", {"of": "mlp", "weight": 0.5})[0].predict(other=other, ridge=ridge)
    np.testing.assert_array_equal(fallback["T_eff"], np.where(w.max(axis=1) < 0.5, ridge[:, 1], other["T_eff"]))


def test_the_oracle_takes_the_expert_of_the_true_bin_and_none_outside():
    experts = np.arange(2 * 4 * 3.0).reshape(2, 4, 3)
    stars = pd.DataFrame({"T_eff": [5000.0, 3000.0], "M_H": [-1.5, -1.5]})
    found = Oracle([3750, 4875, 6000], [-2, -1, 0.5]).predict(stars=stars, experts=experts)
    assert found["log_g"].tolist()[0] == experts[0, 2, 0]
    assert all(np.isnan(values[1]) for values in found.values())


# models on 30 pixels, where a relation bends


@pytest.fixture(scope="module")
def bent():
    """``Parts`` of flux near 1 with dips that follow four numbers, log g bent in one, and of labels; test (X, y)."""
    return parts_of(*spectra())


def spectra():
    rng, n = np.random.default_rng(SEED), sum(N.values())
    lines, hidden = rng.normal(0, 0.05, (4, N_PIXELS)), rng.uniform(-1, 1, (n, 4))
    X = 1 + hidden @ lines + 0.02 * rng.normal(size=(n, N_PIXELS))
    return X.astype(np.float32), np.column_stack([3 + hidden[:, 0] + np.abs(hidden[:, 1]), hidden[:, 2:]])


def parts_of(X, Y, n_train=N["train"]):
    part = np.repeat(list(N), list(N.values()))
    keep = {"train": (part == "train") & (np.arange(len(part)) < n_train), "val": part == "val"}
    flux, labels = Parts(lambda kept: Rows(X, kept), keep), Parts(lambda kept: Y[kept], keep)
    return flux, labels, X[part == "test"], Y[part == "test", 0]


def linear(flux, labels):
    return ridge_cv(flux.train.with_labels(labels.train), len(labels.train), alphas=[1e-3], seed=SEED)


def network(flux, labels, **options):
    settings = {"hidden": (32, 16), "learning_rate": 3e-3, "batch": 64, "epochs": 15, "seed": SEED}
    return residual_mlp.fit(flux, labels, linear(flux, labels), **settings | options)


def trees(flux, labels, **options):
    return lightgbm.fit(flux, labels, **{"n_trees": 60, "leaves": 15, "seed": SEED} | options)


@pytest.mark.parametrize("fit", [network, trees])
def test_a_value_that_is_not_finite_is_named(fit):
    X, Y = spectra()
    X[7, 3] = np.nan
    flux, labels, *_ = parts_of(X, Y)
    with pytest.raises(InputError, match=r"row 7 .* pixel 3 is not finite"):
        fit(flux, labels)


def test_gather_keeps_order_and_counts():
    X, Y = spectra()
    rows, targets = gather(Rows(X, np.arange(len(X)) % 3 == 0).with_labels(Y[::3, 0]))
    np.testing.assert_array_equal(rows, X[::3])
    np.testing.assert_array_equal(targets, Y[::3, 0])

    class Short(list):
        def __len__(self):
            return 301

    with pytest.raises(InputError, match="300 rows came where 301"):
        gather(Short([(X[:300], Y[:300, 0])]))


def test_trees_and_network_beat_the_ridge_where_the_relation_bends(bent):
    flux, labels, X, log_g = bent
    r2 = {fit: scores(log_g, fit(flux, labels).predict(X)["log_g"])["r2"] for fit in (network, trees)}
    ridge = scores(log_g, linear(flux, labels).predict(X)[:, 0])["r2"]
    assert r2[network] > ridge + 0.03
    assert r2[trees] > ridge


def test_metadata_find_nothing_in_independent_labels_and_something_in_an_isochrone():
    rng, n = np.random.default_rng(3), 6000
    stars = pd.DataFrame({"T_eff": rng.uniform(3750, 6000, n), "M_H": rng.uniform(-2, 0.5, n), "mag": np.nan})
    part = np.repeat(["train", "val", "test"], n // 3)
    keep = {name: part == name for name in ("train", "val")}
    related = 1 + 4 * (stars["T_eff"] - 3750) / 2250
    for log_g, low, high in ((rng.uniform(1, 5, n), -0.02, 0.02), (related.to_numpy(), 0.95, 1)):
        table, labels = (Parts(lambda kept, of=of: of[kept], keep) for of in (stars, log_g[:, None]))
        fitted = metadata.fit(table, labels, seed=1)
        assert fitted.columns == ["T_eff", "M_H"]  # mag is empty in this table
        predicted = fitted.predict(stars[part == "test"])["log_g"]
        assert low < scores(log_g[part == "test"], predicted)["r2"] <= high


def test_trees_after_the_best_one_are_dropped(bent, capsys):
    flux, labels, X, _ = bent
    stopped = trees(flux, labels, n_trees=1000, leaves=63, patience=5, seed=1)
    assert f"{stopped.n_trees} trees kept" in capsys.readouterr().out
    assert stopped.n_trees < 1000
    longer = trees(flux, labels, n_trees=stopped.n_trees + 5, leaves=63, patience=1000, seed=1)
    assert longer.n_trees == stopped.n_trees
    np.testing.assert_array_equal(longer.predict(X)["log_g"], stopped.predict(X)["log_g"])


def test_trees_depend_on_the_seed_and_not_on_threads(bent):
    flux, labels, X, _ = bent
    one, two, other = (
        trees(flux, labels, n_trees=10, seed=seed, threads=threads).predict(X)["log_g"]
        for threads, seed in ((1, 1), (2, 1), (1, 2))
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(other - one).max() > 1e-3


def test_progress_of_the_trees_gives_the_validation_r2(bent, capsys):
    flux, labels, *_ = bent
    fitted = trees(flux, labels, n_trees=50, leaves=7, seed=1)
    X, log_g = gather(flux.val.with_labels(labels.val[:, 0]))
    r2 = scores(log_g, fitted.predict(X)["log_g"])["r2"]
    assert f"50 of 50 trees, validation R² {r2:.4f}" in capsys.readouterr().out


def test_a_zero_network_is_exactly_the_ridge_and_so_is_the_start(bent):
    flux, labels, X, _ = bent
    expected = linear(flux, labels).first().predict(X)
    np.testing.assert_array_equal(network(flux, labels, learning_rate=1e-30, epochs=1).predict(X)["log_g"], expected)
    fitted = network(flux, labels)
    assert np.abs(fitted.predict(X)["log_g"] - expected).max() > 0.05
    with torch.no_grad():
        fitted.net[-1].weight.zero_()
        fitted.net[-1].bias.zero_()
    np.testing.assert_array_equal(fitted.predict(X)["log_g"], expected)


def test_the_network_has_the_published_size():
    # 256 (P + 1) + 64 · 257 + 65 at 4096 pixels
    trained = residual_mlp.ResidualMlp(4096).parameters()
    assert sum(p.numel() for p in trained) == 256 * 4097 + 64 * 257 + 65


def test_the_network_keeps_its_best_state():
    """One star in ten to fit: the validation error soon grows, and the epochs after the best one leave no trace."""
    flux, labels, *_ = parts_of(*spectra(), n_train=90)
    fitted = network(flux, labels, learning_rate=0.01, epochs=200, patience=4)
    X, log_g = gather(flux.val.with_labels(labels.val[:, 0]))
    rmse, curve = scores(log_g, fitted.predict(X)["log_g"])["rmse"], fitted.about["curve"]
    assert rmse == pytest.approx(min(curve["stop"]) ** 0.5 * fitted.residual_scale.item(), rel=1e-3)
    assert curve["stop"][-1] > min(curve["stop"])
    assert len(curve["epoch"]) == int(np.argmin(curve["stop"])) + 1 + 4 < 200


def test_seeds_and_threads_of_the_network(bent):
    flux, labels, X, _ = bent
    state = torch.random.get_rng_state()
    one, two, other = (
        network(flux, labels, epochs=4, threads=threads, seed=seed).predict(X)["log_g"]
        for threads, seed in ((1, 5), (2, 5), (1, 6))
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-3)  # dex; float32 sums in another order
    assert np.abs(one - other).max() > 1e-2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_network_predicts_the_same_on_a_gpu(bent):
    flux, labels, X, log_g = bent
    fitted = network(flux, labels, device="cuda")
    cpu = fitted.predict(X)["log_g"]
    on_gpu = fitted.to("cuda").predict(X)["log_g"]
    np.testing.assert_allclose(on_gpu, cpu, rtol=0, atol=0.05 * np.std(cpu - log_g))


# what a plug-in may not say


@pytest.fixture
def written(monkeypatch, tmp_path):
    """A function that writes the module ``mine``."""
    monkeypatch.setattr(plugins, "FOLDER", tmp_path)
    plugin.cache_clear()
    yield lambda source: (tmp_path / "mine.py").write_text(source)
    plugin.cache_clear()


PREDICT = "\nclass M:\n    def predict(self, flux): pass\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def fits(flux): pass", r"gravispec/models/mine.py must define fit"),
        ("def fit(flux): pass", r"what its fit returns must define predict\(\.\.\.\)"),
        ("def fit(clean_flux): pass", "fit asks for clean_flux; it can have flux, sigma"),
        ("class M:\n    def predict(self, spectrum): pass\ndef fit(flux): pass", "predict asks for spectrum"),
        ("def fit(flux, *, depth=3): pass", "option depth needs a type, of int, str"),
        ("def fit(flux, *, depth: float=3): pass", "option depth needs a type, of int, str"),
        ("DECLARES = ('thruth',)\ndef fit(flux): pass", "DECLARES thruth; it can be truth, all_levels"),
        ("LABELS = ('T_eff',)\ndef fit(flux): pass", "LABELS .*; it can be the first of log_g, T_eff, M_H"),
        ("LABELS = ()\ndef fit(flux): pass", "LABELS"),
        ("def fit(stars, labels): pass", "must declare 'truth'"),
        ("class M:\n    def predict(self, stars): pass\ndef fit(bins): pass", "must declare 'truth'"),
        ("DECLARES = ('no_fit',)\ndef fit(flux, labels, bins): pass", "declares no_fit, but fit asks for flux, labels"),
        ("DECLARES = ('all_levels',)\ndef fit(labels, pca): pass", "declares all_levels, but fit asks for pca"),
        ("def fit(features, labels): pass", "reads features; it needs an option family or families"),
        (
            "class M:\n    def predict(self, other): pass\ndef fit(): pass",
            "it needs an option of, the name of that model",
        ),
    ],
)
def test_a_plug_in_that_cannot_be_is_named(written, source, message):
    written(source + "\n")
    with pytest.raises(InputError, match=f"^model mine: .*{message}"):
        plugin("mine")


def test_what_a_plug_in_says_is_read_without_importing_it(written):
    written(
        '"""Says it.\n\nMore."""\nraise RuntimeError\nLABELS = ("log_g",)\nDECLARES = ("slow",)\nCOST = {"ms": 2}\n'
        "def fit(flux, labels, *, depth: Count = 3, mode: Literal['a', 'b'] = 'a', seed, threads=1): pass\n" + PREDICT
    )
    found = plugin("mine")
    assert modules() == ["mine"]
    assert set(found.fit) == {"flux", "labels", "seed", "threads"}
    assert found.predict == ("flux",)
    assert {name: default for name, (_, default) in found.options.items()} == {"depth": 3, "mode": "a"}
    assert (found.labels, found.declares, found.cost, found.title) == (("log_g",), {"slow"}, {"ms": 2}, "Says it")
    assert set(found.asked) == {"flux", "ridge"}  # lends T_eff and M_H


RIDGE = {"module": "global_ridge"}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"a": {"module": "mixtur"}}, "models.a.module = 'mixtur': .*did you mean 'mixture'"),
        ({"a": {"module": "training"}}, "models.a: model training: .*must define fit"),
        ({"a": {}}, "models.a: needs module, one of"),
        ({"a": 3}, "models.a: needs module"),
        ([], "give names with their modules"),
        ({"a": {"module": "mixture", "gat": "mlp"}}, "models.a.gat = 'mlp': unknown key; .*did you mean 'gate'"),
        ({"a": {"module": "mixture", "gate": "mpl"}}, "models.a.gate = 'mpl': should be 'classify', 'mlp' or 'linear'"),
        ({"a": {"module": "tower", "dropout": 1.5}}, "models.a.dropout = 1.5: .*less than or equal to 1"),
        ({"a": {"module": "tower", "families": ["ridge", "topc"]}}, "models.a.families = 'topc': .*mean 'topk'"),
        ({"a": {"module": "tower", "families": ["ridge", "ridge"]}}, "one stands there twice"),
        ({"a": {"module": "hard", "of": "b"}}, "models.a.of = 'b': not defined; one of a"),
        ({"a": {"module": "hard", "of": "a"}}, "models.a.of: a of a goes in a circle"),
        ({"a": {"module": "hard", "of": "b"}, "b": {"module": "hard", "of": "a"}}, "a of b of a goes in a circle"),
        ({"a": {"module": "hard", "of": "b"}, "b": {"module": "oracle"}}, "models.a.of: b reads true labels"),
        ({"a": {"module": "hard", "of": "b"}, "b": {"module": "tower"}}, "models.a.of = 'b': a model with weights"),
    ],
)
def test_a_mistake_in_the_section_models_is_named_in_one_line(models, message):
    with pytest.raises(ValueError, match=message) as error:
        checked(models)
    assert "\n" not in str(error.value)


def test_names_of_rows_and_figures_have_defaults():
    found = checked({"my_ridge": RIDGE, "b": RIDGE | {"label": "B", "covered": "b1", "all": "b2"}})
    assert found["my_ridge"] == {
        "module": "global_ridge", "label": "my ridge", "covered": "my_ridge", "all": "my_ridge_full", "alpha": 0.0,
    }  # fmt: skip
    assert [found["b"][key] for key in ("label", "covered", "all")] == ["B", "b1", "b2"]


def test_a_model_of_a_module_that_is_gone_is_named(data, tmp_path):
    fitted, _ = data.fit("global_ridge", {"alpha": 0.0})
    header, arrays = model.pack(fitted)
    for change, message in (
        ({"module": "models.gone"}, "a model of module 'models.gone', which this version does not have"),
        ({"module": "errors", "class": "InputError"}, "which this version does not have"),
        ({"class": "Nobody"}, "models.global_ridge has no model 'Nobody'"),
        ({"class": "LABELS"}, "has no model 'LABELS'"),
        ({"state": {"more": 1}}, "not a whole model of models.global_ridge"),
    ):
        with pytest.raises(InputError, match=f"m.safetensors: .*{message}"):
            model.unpack(header | change, arrays, "m.safetensors")
    with pytest.raises(InputError, match="not a whole model"):
        model.unpack(header, {}, "m.safetensors")
