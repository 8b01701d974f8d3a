"""Baselines: one contract that every one passes, and what is special about each."""

import functools
import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from gravispec.data.arrays import RowReader
from gravispec.data.stars import TrainingChunks
from gravispec.errors import InputError
from gravispec.evaluation.metrics import scores
from gravispec.models.baselines import lightgbm, metadata, residual_mlp, ridge
from gravispec.models.ridge import RidgeFit, ridge_cv
from gravispec.models.rows import gather, predict_test_stars

N, N_PIXELS, SEED = {"train": 900, "val": 300, "test": 300}, 30, 5


class Chunks:
    """Rows of X, y in chunks of ``size``, as often as one likes."""

    def __init__(self, X, y, size=256):
        self.X, self.y, self.size = X, y, size

    def __len__(self):
        return len(self.y)

    def __iter__(self):
        return ((self.X[i : i + self.size], self.y[i : i + self.size]) for i in range(0, len(self.y), self.size))


def spectra():
    """``(X, y)`` of every split: flux near 1 with dips that follow four labels, one of them bent, and pixel noise."""
    rng = np.random.default_rng(SEED)
    lines = rng.normal(0, 0.05, (4, N_PIXELS))
    splits = {}
    for split, n in N.items():
        labels = rng.uniform(-1, 1, (n, 4))
        X = 1 + labels @ lines + 0.02 * rng.normal(size=(n, N_PIXELS))
        splits[split] = X.astype(np.float32), 3 + labels[:, 0] + np.abs(labels[:, 1])
    return splits


def fit_residual_mlp(train, val, **options):
    settings = {"hidden": (32, 16), "learning_rate": 3e-3, "batch": 64, "epochs": 15, "seed": SEED}
    linear = ridge_cv(train, len(train), alphas=[1e-3], seed=SEED)
    return residual_mlp.fit(train, val, ridge=linear, **settings | options)


BASELINES = {  # name: fit(train, val), load(path)
    "ridge": (functools.partial(ridge.fit, seed=SEED), ridge.load),
    "ridge_fixed": (functools.partial(ridge.fit, alphas=[0.1], seed=SEED), ridge.load),
    "residual_mlp": (fit_residual_mlp, residual_mlp.load),
    "lightgbm": (functools.partial(lightgbm.fit, n_trees=60, leaves=15, seed=SEED), lightgbm.load),
    "metadata": (functools.partial(metadata.fit, seed=SEED), metadata.load),
}


def check_baseline(fit, load, folder):
    """What every baseline promises; ``fit(train, val)`` gives a model and ``load(path)`` reads a saved one."""
    data = spectra()
    train, val = Chunks(*data["train"]), Chunks(*data["val"])
    X, log_g = data["test"]
    model = fit(train, val)
    predicted = model.predict(X)
    assert predicted.shape == (len(X),)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    assert scores(log_g, predicted)["r2"] > 0.6

    np.testing.assert_array_equal(fit(train, val).predict(X), predicted)
    np.testing.assert_array_equal(fit(Chunks(*data["train"], size=101), val).predict(X), predicted)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(model.predict(X[order]), predicted[order], rtol=0, atol=1e-5)
    np.testing.assert_allclose([model.predict(x[None])[0] for x in X[:5]], predicted[:5], rtol=0, atol=1e-5)

    path = folder / "model.npz"
    model.save(path)
    np.testing.assert_array_equal(load(path).predict(X), predicted)
    path.write_bytes(pickle.dumps({"coef": 1}))
    with pytest.raises(InputError, match=r"model\.npz"):
        load(path)

    X_bad = data["train"][0].copy()
    X_bad[7, 3] = np.nan
    with pytest.raises(InputError, match=r"row 7 .* pixel 3 is not finite"):
        fit(Chunks(X_bad, data["train"][1]), val)


@pytest.mark.parametrize("name", BASELINES)
def test_contract(name, tmp_path):
    check_baseline(*BASELINES[name], tmp_path)


@pytest.mark.parametrize("name", BASELINES)
def test_the_order_of_the_test_stars_changes_no_byte_of_a_model(name, tmp_path):
    """Fitted from files that hold all splits, as the workflow does it."""
    data = spectra()
    X, y = (np.concatenate([part[i] for part in data.values()]) for i in (0, 1))
    stars = pd.DataFrame({"split": np.repeat(list(N), list(N.values())), "log_g": y})
    shuffled = np.arange(len(y))
    shuffled[-N["test"] :] = np.random.default_rng(1).permutation(shuffled[-N["test"] :])
    files = []
    for order in (np.arange(len(y)), shuffled):
        np.save(tmp_path / "flux.npy", X[order])
        flux, table = RowReader(tmp_path / "flux.npy"), stars.iloc[order]
        parts = [TrainingChunks(flux, table, (table["split"] == split).to_numpy()) for split in ("train", "val")]
        path = tmp_path / f"model_{len(files)}.npz"
        BASELINES[name][0](*parts).save(path)
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_predictions_are_of_the_test_stars_in_file_order():
    stars = pd.DataFrame({"star_id": list("abcd"), "split": ["test", "val", "test", "train"], "log_g": 3.0, "snr": 8.0})

    class Sum:
        def predict(self, X):
            return X.sum(axis=1)

    table = predict_test_stars(Sum(), np.arange(8.0).reshape(4, 2), stars)
    assert table["star_id"].tolist() == ["a", "c"]
    assert table["predicted"].tolist() == [1.0, 9.0]
    assert list(table.columns) == ["star_id", "log_g", "snr", "predicted"]


def test_gather_keeps_order_and_counts():
    X, y = spectra()["val"]
    rows, targets = gather(Chunks(X, y, size=77))
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(targets, y)

    class Short(Chunks):
        def __len__(self):
            return 301

    with pytest.raises(InputError, match="300 rows came where 301"):
        gather(Short(X, y))


def test_trees_and_network_beat_the_ridge_where_the_relation_bends():
    data = spectra()
    r2 = {}
    for name in ("ridge", "residual_mlp", "lightgbm"):
        model = BASELINES[name][0](Chunks(*data["train"]), Chunks(*data["val"]))
        r2[name] = scores(data["test"][1], model.predict(data["test"][0]))["r2"]
    assert r2["residual_mlp"] > r2["ridge"] + 0.03
    assert r2["lightgbm"] > r2["ridge"]


def test_metadata_find_nothing_in_independent_labels_and_something_in_an_isochrone():
    rng = np.random.default_rng(3)
    n = 6000
    stars = pd.DataFrame({"T_eff": rng.uniform(3750, 6000, n), "M_H": rng.uniform(-2, 0.5, n), "mag": np.nan})
    part = np.repeat(["train", "val", "test"], n // 3)
    related = 1 + 4 * (stars["T_eff"] - 3750) / 2250
    stars = stars.assign(split=part, star_id=np.arange(n), snr=10.0)
    for log_g, low, high in ((rng.uniform(1, 5, n), -0.02, 0.02), (related, 0.95, 1)):
        table = stars.assign(log_g=log_g)
        X = metadata.labels(table)
        assert X.shape == (n, 2)  # mag is empty in this table
        model = metadata.fit(*(TrainingChunks(X, table, part == split) for split in ("train", "val")), seed=1)
        test = predict_test_stars(model, X, table)
        assert low < scores(test["log_g"], test["predicted"])["r2"] <= high


def test_trees_after_the_best_one_are_dropped(capsys):
    data = spectra()
    train, val = Chunks(*data["train"]), Chunks(*data["val"])
    stopped = lightgbm.fit(train, val, patience=5, seed=1)
    assert f"{stopped.n_trees} trees kept" in capsys.readouterr().out
    assert stopped.n_trees < 1000
    longer = lightgbm.fit(train, val, n_trees=stopped.n_trees + 5, patience=1000, seed=1)
    assert longer.n_trees == stopped.n_trees
    np.testing.assert_array_equal(longer.predict(data["test"][0]), stopped.predict(data["test"][0]))


def test_trees_depend_on_the_seed_and_not_on_threads():
    data = spectra()
    train, val = Chunks(*data["train"]), Chunks(*data["val"])
    one, two, other = (
        lightgbm.fit(train, val, n_trees=10, seed=seed, threads=threads).predict(data["test"][0])
        for threads, seed in ((1, 1), (2, 1), (1, 2))
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(other - one).max() > 1e-3


def test_progress_of_the_trees_gives_the_validation_r2(capsys):
    data = spectra()
    model = lightgbm.fit(Chunks(*data["train"]), Chunks(*data["val"]), n_trees=50, leaves=7, seed=1)
    r2 = scores(data["val"][1], model.predict(data["val"][0]))["r2"]
    assert f"50 of 50 trees, validation R² {r2:.4f}" in capsys.readouterr().out


def test_a_zero_network_is_exactly_the_ridge_and_so_is_the_start():
    data = spectra()
    train, val = Chunks(*data["train"]), Chunks(*data["val"])
    linear = RidgeFit.predict(ridge_cv(train, len(train), alphas=[1e-3], seed=SEED), data["test"][0])
    np.testing.assert_array_equal(fit_residual_mlp(train, val, epochs=0).predict(data["test"][0]), linear)
    model = fit_residual_mlp(train, val)
    assert np.abs(model.predict(data["test"][0]) - linear).max() > 0.05
    with torch.no_grad():
        model.net[-1].weight.zero_()
        model.net[-1].bias.zero_()
    np.testing.assert_array_equal(model.predict(data["test"][0]), linear)


def test_the_network_has_the_published_size():
    # 256 (P + 1) + 64 · 257 + 65 at 4096 pixels
    trained = residual_mlp.ResidualMlp(4096).parameters()
    assert sum(p.numel() for p in trained) == 256 * 4097 + 64 * 257 + 65


def test_the_network_keeps_its_best_state(capsys):
    """One star in ten to fit: the validation error soon grows, and the epochs after the best one leave no trace."""
    data = spectra()
    train, val = Chunks(*(a[:90] for a in data["train"])), Chunks(*data["val"])
    model = fit_residual_mlp(train, val, learning_rate=0.01, epochs=200, patience=4)
    lines = capsys.readouterr().out.splitlines()
    rmse = [float(line.split()[4]) for line in lines if line.startswith("epoch")]
    kept = scores(data["val"][1], model.predict(data["val"][0]))["rmse"]
    assert kept == pytest.approx(min(rmse), abs=1e-4)
    assert len(rmse) == int(np.argmin(rmse)) + 1 + 4 < 200
    assert lines[-1] == f"cpu: state of epoch {int(np.argmin(rmse)) + 1} kept"


def test_seeds_and_threads_of_the_network():
    data = spectra()
    train, val = Chunks(*data["train"]), Chunks(*data["val"])
    state = torch.random.get_rng_state()
    one, two, other = (
        fit_residual_mlp(train, val, epochs=4, threads=threads, seed=seed).predict(data["test"][0])
        for threads, seed in ((1, 5), (2, 5), (1, 6))
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-3)  # dex; float32 sums in another order
    assert np.abs(one - other).max() > 1e-2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_network_predicts_the_same_on_a_gpu():
    data = spectra()
    model = fit_residual_mlp(Chunks(*data["train"]), Chunks(*data["val"]), device="cuda")
    cpu = model.predict(data["test"][0])
    scatter = np.std(cpu - data["test"][1])
    np.testing.assert_allclose(model.to("cuda").predict(data["test"][0]), cpu, rtol=0, atol=0.05 * scatter)
