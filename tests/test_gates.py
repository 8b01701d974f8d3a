"""Gates: definition, training, seeds and files."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from gravispec.errors import InputError
from gravispec.models import gates, shrunk_mixture
from gravispec.models.given import Parts
from gravispec.models.mixture import Mixture, mixed
from gravispec.models.training import n_parameters

STANDARD = {"mean": np.zeros(13), "scale": np.ones(13)}
TRAINING = {"hidden": 64, "learning_rate": 1e-3, "epochs": 40, "patience": 10, "batch": 64}


@pytest.fixture(scope="module")
def stars():
    """Experts that are right in their own bin only, and features that tell the bin with some noise."""
    rng = np.random.default_rng(11)
    bins = rng.integers(0, 9, 3000)
    centres = rng.normal(size=(9, 13)) * 2
    features = centres[bins] + rng.normal(size=(3000, 13))
    log_g = rng.uniform(1, 5, 3000)
    experts = log_g[:, None] + rng.normal(size=(3000, 9)) * np.where(bins[:, None] == np.arange(9), 0.1, 1.5)
    return features, bins, experts, log_g


def split(stars, lo, hi):
    features, _, experts, log_g = stars
    return features[lo:hi], experts[lo:hi], log_g[lo:hi]


@pytest.mark.parametrize(("kind", "expected"), [("mlp", 1481), ("linear", 126), ("classify", 126)])
def test_parameter_counts(kind, expected):
    assert n_parameters(gates.Gate(kind, n_experts=9, **STANDARD)) == expected


def test_the_dual_feature_gate_has_the_published_layers():
    """23-32-16-9 (method.md section 10); one hidden layer may stand alone."""
    given = {"mean": np.zeros(23), "scale": np.ones(23), "n_experts": 9}
    gate = gates.Gate("mlp", hidden=(32, 16), **given)
    assert [tuple(layer.weight.shape) for layer in gate.net[::2]] == [(32, 23), (16, 32), (9, 16)]
    assert n_parameters(gate) == 23 * 32 + 32 + 32 * 16 + 16 + 16 * 9 + 9
    assert gate.header()["hidden"] == [32, 16]
    assert gates.Gate("mlp", hidden=64, **given).header()["hidden"] == [64]


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_training_lowers_the_error_and_weights_are_a_partition(stars, kind):
    gate, curve = gates.fit_gate(kind, split(stars, 0, 2000), split(stars, 2000, 2500), **STANDARD, **TRAINING, seed=3)
    features, experts, log_g = split(stars, 2500, 3000)
    weights = gate.weights(features)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    mse = np.mean(((weights * experts).sum(axis=1) - log_g) ** 2)
    equal = np.mean((experts.mean(axis=1) - log_g) ** 2)
    assert mse < 0.6 * equal
    assert min(curve["stop"]) < curve["stop"][0]


def test_the_best_state_on_the_stopping_stars_is_kept(stars):
    fit, stop = split(stars, 0, 60), split(stars, 60, 200)
    # a large step overfits 60 stars soon, so that the last state is not the best one
    settings = {**TRAINING, "learning_rate": 0.03, "epochs": 100, "patience": 10}
    gate, curve = gates.fit_gate("mlp", fit, stop, **STANDARD, **settings, seed=0)
    losses = curve["stop"]
    kept = np.mean(((gate.weights(stop[0]) * stop[1]).sum(axis=1) - stop[2]) ** 2)
    assert kept == pytest.approx(min(losses), rel=1e-12)
    assert losses[-1] > min(losses)
    assert len(curve["epoch"]) == int(np.argmin(losses)) + 1 + settings["patience"]


def test_a_seed_gives_the_same_gate_on_any_number_of_threads(stars):
    fit, stop = split(stars, 0, 500), split(stars, 500, 700)
    settings = {**TRAINING, "epochs": 3}
    before = torch.get_num_threads()
    trained = []
    for threads, seed in ((1, 7), (2, 7), (1, 8)):
        torch.set_num_threads(threads)
        trained.append(gates.fit_gate("mlp", fit, stop, **STANDARD, **settings, seed=seed)[0].weights(stop[0]))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(trained[0], trained[1])
    assert np.abs(trained[0] - trained[2]).max() > 1e-3


def test_classify_is_scikit_learns_logistic_regression(stars):
    features, bins, *_ = stars
    gate = gates.fit_classify(features[:2000], bins[:2000], **STANDARD, n_experts=9, seed=1)
    weights = gate.weights(features[2000:])
    penalties = np.logspace(-2, 4, 7)
    models = [LogisticRegression(C=C, tol=1e-8, max_iter=5000).fit(features[:2000], bins[:2000]) for C in penalties]
    differences = [np.abs(weights - model.predict_proba(features[2000:])).max() for model in models]
    # the two solvers stop within their tolerance of each other
    assert min(differences) < 1e-3


def test_a_bin_without_stars_gets_no_weight(stars):
    features, bins, *_ = stars
    present = bins != 4
    gate = gates.fit_classify(features[present], bins[present], **STANDARD, n_experts=9, seed=1)
    weights = gate.weights(features)
    assert weights[:, 4].max() == 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)


def test_one_bin_alone_is_refused(stars):
    with pytest.raises(InputError, match="two bins"):
        gates.fit_classify(stars[0], np.zeros(3000, int), **STANDARD, n_experts=9, seed=1)


def test_labels_are_those_of_the_experts_by_weight(stars):
    rng = np.random.default_rng(2)
    gate = gates.fit_classify(stars[0][:500], stars[1][:500], **STANDARD, n_experts=9, seed=1)
    experts = rng.normal(size=(7, 9, 3))
    found, weights = Mixture(gate).predict(stars[0][:7], experts), gate.weights(stars[0][:7])
    for t, label in enumerate(("log_g", "T_eff", "M_H")):
        expected = [sum(weights[i, k] * experts[i, k, t] for k in range(9)) for i in range(7)]
        np.testing.assert_allclose(found[label], expected, atol=1e-12)
    np.testing.assert_array_equal(found["w"], weights)
    np.testing.assert_allclose(mixed(experts, np.full((7, 9), 1 / 9))["log_g"], experts[:, :, 0].mean(axis=1))


# shrunk towards the global Ridge


def shrunk(stars, ridge, **options):
    """``ShrunkMixture``, fitted to 2,000 stars and stopped by 500; ``ridge`` (3000,) is the first feature."""
    features, _, experts, log_g = stars
    features = np.column_stack([ridge, features])
    keep = {name: np.zeros(3000, bool) for name in ("train", "fit", "stop")}
    for name, rows in (("train", slice(0, 2000)), ("fit", slice(0, 2000)), ("stop", slice(2000, 2500))):
        keep[name][rows] = True
    columns = ["robust_00", *(f"window_{i:02d}" for i in range(13))]
    given = [Parts(lambda kept, a=a: a[kept], keep, columns) for a in (features, experts[:, :, None], log_g[:, None])]
    fitted = shrunk_mixture.fit(*given, **TRAINING | options, seed=2, device="cpu")
    return fitted, features[2500:], experts[2500:, :, None], log_g[2500:]


def test_a_shrunk_mixture_is_the_ridge_with_a_share_of_the_experts_corrections(stars):
    log_g = stars[3]
    fitted, features, experts, _ = shrunk(stars, log_g + np.random.default_rng(5).normal(0, 0.5, 3000), epochs=5)
    found, p = fitted.predict(features, experts), fitted.gate.weights(features)
    np.testing.assert_allclose(found["w"].sum(axis=1), 1, atol=1e-12)
    corrections = np.sum(found["w"] * (experts[:, :, 0] - features[:, :1]), axis=1)
    np.testing.assert_allclose(found["log_g"], features[:, 0] + (1 - p[:, 0]) * corrections, rtol=1e-9)


@pytest.mark.parametrize(("scatter", "low", "high"), [(0.02, 0.8, 1.0), (3.0, 0.0, 0.1)])
def test_it_takes_a_good_ridge_and_leaves_a_bad_one(stars, scatter, low, high):
    """Experts miss by 0.1 dex in their own bin and by 1.5 dex elsewhere."""
    log_g = stars[3]
    fitted, features, experts, expected = shrunk(stars, log_g + np.random.default_rng(6).normal(0, scatter, 3000))
    assert low < fitted.gate.weights(features)[:, 0].mean() < high
    error = np.mean((fitted.predict(features, experts)["log_g"] - expected) ** 2)
    assert error < 1.5 * np.mean((features[:, 0] - expected) ** 2)
    if scatter > 1:
        assert error < 0.5 * np.mean((experts[:, :, 0].mean(axis=1) - expected) ** 2)


def test_experts_without_any_weight_have_equal_shares(stars):
    fitted, features, experts, _ = shrunk(stars, stars[3], epochs=1)
    with torch.no_grad():
        fitted.gate.net[-1].bias[0] = 1e4
    found = fitted.predict(features, experts)
    np.testing.assert_allclose(found["w"], 1 / 9)
    np.testing.assert_allclose(found["log_g"], features[:, 0])
