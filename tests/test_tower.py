"""The global feature tower: size, residual identity, training, seeds."""

import numpy as np
import pytest
import torch

from gravispec.device import choose_device
from gravispec.errors import InputError
from gravispec.models import tower as towers
from gravispec.models.given import Parts
from gravispec.models.training import n_parameters
from gravispec.plugins.models import plugin

DEFAULTS = {name: default for name, (_, default) in plugin("tower").options.items()}


def tower_of(dim, ridge_column=0):
    return towers.GlobalFeatureMLP(np.zeros(dim), np.ones(dim), ridge_column, hidden=[256, 64], dropout=0.3)


@pytest.fixture(scope="module")
def stars():
    """Features of which column 2 is a Ridge prediction that misses a bent term of column 0."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(3000, 6)).astype(np.float32)
    log_g = 3 + features[:, 1] + 0.8 * np.abs(features[:, 0])
    features[:, 2] = 3.6 + features[:, 1] + 0.1 * rng.normal(size=3000)
    return features, log_g


def fit(stars, n=2000, *, seed=0, device="cpu", **changes):
    """``Towers`` of one seed, fitted to the first n stars and stopped by those from 2,000 on."""
    features, log_g = stars
    keep = {"train": np.arange(len(log_g)) < n, "val": np.arange(len(log_g)) >= 2000}
    columns = [f"ridge_{i - 2:02d}" if i >= 2 else f"pca_{i:02d}" for i in range(features.shape[1])]
    given = Parts(lambda kept: features[kept], keep, columns), Parts(lambda kept: log_g[kept, None], keep)
    return towers.fit(*given, **{"batch": 256, "epochs": 30, "seeds": 1} | changes, seed=seed, device=device)


def log_g_of(fitted, features):
    return fitted.predict(features)["log_g"]


@pytest.mark.parametrize(("dim", "parameters"), [(126, 49_025), (121, 47_745), (97, 41_601)])
def test_parameter_counts(dim, parameters):
    assert n_parameters(tower_of(dim)) == parameters


def test_the_published_settings_are_the_defaults():
    published = {
        "hidden": (256, 64), "dropout": 0.3, "learning_rate": 1e-3, "weight_decay": 0.0,
        "batch": 2048, "epochs": 100, "patience": 20,
    }  # fmt: skip
    assert published.items() <= DEFAULTS.items()


def test_a_network_that_gives_zero_leaves_exactly_the_ridge_prediction(stars):
    features, _ = stars
    tower = tower_of(6, ridge_column=2)
    assert np.abs(tower.predict(features) - features[:, 2]).max() > 0.01
    with torch.no_grad():
        tower.net[-1].weight.zero_()
        tower.net[-1].bias.zero_()
    np.testing.assert_array_equal(tower.predict(features), features[:, 2].astype(float))


def test_training_corrects_the_ridge(stars):
    fitted = fit(stars)
    features, log_g = stars
    before, after = (np.abs(p[2000:] - log_g[2000:]).mean() for p in (features[:, 2], log_g_of(fitted, features)))
    assert after < 0.5 * before
    assert min(fitted.about["curve"]["stop"]) == pytest.approx(after, rel=1e-5)
    first = log_g_of(fitted, features)[:2000]
    r2 = 1 - np.mean((first - log_g[:2000]) ** 2) / np.var(log_g[:2000])
    assert fitted.about["r2_train"] == pytest.approx(r2, rel=1e-6)


def test_inputs_are_standardised_by_the_training_stars_and_constants_vanish(stars):
    features, log_g = stars
    shifted = np.column_stack([features * 1000 + 50, np.full(3000, 7.0)])
    mean, scale = towers.standardisation(shifted[:2000])
    np.testing.assert_allclose(mean[:6], shifted[:2000, :6].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(scale[:6], shifted[:2000, :6].std(axis=0), rtol=1e-9)
    assert np.isinf(scale[6])
    fitted = fit((np.column_stack([features, np.zeros(3000)]), log_g), epochs=2)
    assert np.isfinite(log_g_of(fitted, np.column_stack([features, np.ones(3000)]))).all()


def test_the_best_state_on_the_validation_stars_is_kept(stars):
    features, log_g = stars
    # few stars, large steps: the last state is not the best one
    fitted = fit(stars, n=60, learning_rate=0.03, epochs=60, patience=5, dropout=0.0)
    losses = fitted.about["curve"]["stop"]
    kept = np.abs(log_g_of(fitted, features[2000:]) - log_g[2000:]).mean()
    assert kept == pytest.approx(min(losses), rel=1e-5)
    assert losses[-1] > min(losses)
    assert len(losses) == int(np.argmin(losses)) + 1 + 5


def test_a_seed_gives_the_same_tower_on_any_number_of_threads(stars):
    before = torch.get_num_threads()
    predictions = []
    for threads, seed in ((1, 7), (2, 7), (1, 8)):
        torch.set_num_threads(threads)
        torch.rand(threads)  # whatever was drawn before plays no part
        predictions.append(log_g_of(fit(stars, seed=seed, epochs=3), stars[0]))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(predictions[0], predictions[1])
    assert np.abs(predictions[0] - predictions[2]).max() > 1e-3


def test_the_towers_of_several_seeds_are_those_of_each(stars):
    """The first predicts; curves stand below one another."""
    both = fit(stars, seed=3, seeds=2, epochs=2)
    found = both.predict(stars[0])
    np.testing.assert_array_equal(found["log_g"], found["seed"][:, 0])
    for i, seed in enumerate((3, 4)):
        np.testing.assert_array_equal(found["seed"][:, i], log_g_of(fit(stars, seed=seed, epochs=2), stars[0]))
    assert both.about["curve"]["seed"] == [3, 3, 4, 4]
    assert both.about["curve"]["epoch"] == [1, 2, 1, 2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cuda_trains_an_equally_good_tower(stars):
    features, log_g = stars
    errors = [np.abs(log_g_of(fit(stars, device=d), features)[2000:] - log_g[2000:]).mean() for d in ("cpu", "cuda")]
    assert errors[1] == pytest.approx(errors[0], rel=0.2)


def test_the_device_is_what_the_configuration_wants(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(d) for d in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    assert choose_device("auto", gpu=0) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(InputError, match="sees no GPU"):
        choose_device("cuda")


def test_a_learning_rate_that_explodes_is_named(stars):
    features, log_g = stars
    with pytest.raises(InputError, match="lower learning_rate of the model"):
        fit((np.where(features > 3, np.inf, features), log_g), epochs=2)
