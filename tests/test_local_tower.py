"""Local and dual tower: windows, layers, residual identity, convolutions, fusion, training that goes on."""

import numpy as np
import pytest
import torch

from gravispec.errors import InputError
from gravispec.models import dual_tower, local_tower
from gravispec.models.checkpoint import Checkpoint
from gravispec.models.given import Parts, Rows
from gravispec.models.ridge import ridge_cv
from gravispec.models.training import in_parts, n_parameters
from gravispec.models.windows import Windows, window_pixels
from gravispec.plugins.models import plugin

P, N, SEED = 90, {"train": 600, "val": 200}, 6
SMALL = {"windows": 12, "segments": 3, "batch": 100, "epochs": 12, "learning_rate": 3e-3}
WHAT = {
    "local": (local_tower, {}),
    "late": (dual_tower, {"fusion": "late"}),
    "gated": (dual_tower, {"fusion": "gated"}),
}


def local_net(n_windows=256, *, segments=8, n_pixels=4096, seed=1):
    coef = np.random.default_rng(seed).normal(size=n_pixels)
    pixels = window_pixels(coef, windows=n_windows, width=17)
    options = {"ridge_column": 0, "segments": segments, "hidden": (32, 16), "dropout": 0.0}
    torch.manual_seed(seed)
    return local_tower.LocalTower(pixels, np.ones(n_pixels), np.full(n_pixels, 0.1), **options)


def dual_net(fusion):
    rng, of_windows = np.random.default_rng(2), local_net(20, segments=4, n_pixels=60).windows
    options = {"ridge_column": 1, "segments": 4, "hidden": (10, 8), "dropout": 0.3}
    arrays = of_windows.pixels, of_windows.mean, of_windows.scale, rng.normal(size=5), rng.uniform(1, 2, 5)
    return dual_tower.DualTower(*arrays, fusion=fusion, **options).eval()


@pytest.fixture(scope="module")
def stars():
    """Lines of 5 pixels, log g bent in the depth of one of them; a Ridge, and features with its log g as column 1."""
    rng, n = np.random.default_rng(SEED), sum(N.values())
    depths, X = rng.uniform(0, 1, (n, 3)), np.ones((n, P))
    for line, depth in zip((20, 45, 70), depths.T, strict=True):
        X[:, line - 2 : line + 3] -= 0.3 * depth[:, None] * [0.3, 0.8, 1, 0.8, 0.3]
    X = (X + 0.01 * rng.normal(size=X.shape)).astype(np.float32)
    log_g = 2 + depths[:, 0] + 2 * np.abs(depths[:, 1] - 0.5)
    ridge = ridge_cv([(X[: N["train"]], log_g[: N["train"]])], N["train"], alphas=[1e-2], seed=SEED)
    features = np.column_stack([rng.normal(size=n), ridge.predict(X), depths[:, 2]]).astype(np.float32)
    return X, features, log_g, ridge


def fit(what, stars, **changes):
    X, features, log_g, ridge = stars
    part = np.repeat(list(N), list(N.values()))
    keep = {name: part == name for name in N}
    flux, labels = Parts(lambda kept: Rows(X, kept), keep), Parts(lambda kept: log_g[kept, None], keep)
    given = Parts(lambda kept: features[kept], keep, ["pca_00", "ridge_00", "topk_00"])
    module, options = WHAT[what]
    settings = {**SMALL, **options, "seed": 3, "device": "cpu"} | changes
    return module.fit(flux, given, labels, ridge, **settings)


def log_g_of(network, stars, rows=slice(N["train"], None)):
    return network.predict(stars[0][rows], stars[1][rows])["log_g"]


def test_the_published_number_of_parameters_layer_by_layer():
    """27,873 (method.md section 10)."""
    network = local_net()
    layers = [network.windows.first, network.windows.second, network.windows.third, *network.head[::2]]
    expected = [3 * 16 + 16, 9 * 16 * 32 + 32, 3 * 32 * 64 + 64, 512 * 32 + 32, 32 * 16 + 16, 16 + 1]
    assert [n_parameters(layer) for layer in layers] == expected
    assert n_parameters(network) == sum(expected) == 27_873


def test_the_published_settings_are_the_defaults():
    defaults = {name: default for name, (_, default) in plugin("local_tower").options.items()}
    published = {"windows": 256, "width": 17, "learning_rate": 3e-3, "batch": 2048}
    assert published.items() <= defaults.items()
    both = {name: default for name, (_, default) in plugin("dual_tower").options.items()}
    assert {name: both[name] for name in ("windows", "width", "segments", "learning_rate", "batch")} == {
        name: defaults[name] for name in ("windows", "width", "segments", "learning_rate", "batch")
    }
    assert both["families"] == ("pca", "ridge", "topk", "error")


def test_windows_are_around_the_largest_coefficients_and_whole():
    coef = np.zeros(60)
    coef[[0, 1, 10, 11, 30, 58]] = [9, -8, 7, -6, 5, 10]
    found = window_pixels(coef, windows=3, width=7)
    np.testing.assert_array_equal(found, [np.arange(c - 3, c + 4) for c in (10, 11, 30)])
    apart = window_pixels(coef, windows=3, width=7, spacing=2)
    assert apart[:, 3].tolist() == [3, 10, 30]  # 3: the first of those with coefficient 0
    every = window_pixels(coef, windows=54, width=7)
    assert (every.min(), every.max()) == (0, 59)
    assert (np.diff(every[:, 3]) == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": 55, "width": 7}, "spectra of 60 pixels have 54 whole windows of 7 pixels, 1 apart"),
        ({"windows": 12, "width": 7, "spacing": 6}, "have 9 whole windows of 7 pixels, 6 apart; take so many or fewer"),
        ({"windows": 1, "width": 61}, "spectra of 60 pixels have 0 whole windows of 61 pixels"),
        ({"windows": 3, "width": 8}, "width = 8: a window has an odd number of pixels"),
    ],
)
def test_windows_that_spectra_do_not_have_are_named(options, message):
    with pytest.raises(InputError, match=message):
        window_pixels(np.arange(60.0), **options)


def test_more_segments_than_windows_are_named():
    with pytest.raises(InputError, match="segments = 8 of 5 windows"):
        local_net(5)


def test_the_shared_convolutions_are_those_of_a_naive_loop():
    """Windows of 9 pixels, two stars, untrained weights, in float64."""
    rng = np.random.default_rng(8)
    pixels = window_pixels(rng.normal(size=50), windows=6, width=9)
    mean, scale, flux = rng.normal(size=50), rng.uniform(1, 2, 50), rng.normal(size=(2, 50))
    torch.manual_seed(4)
    network = Windows(pixels, mean, scale, 3).double().eval()
    network.mean, network.scale = torch.as_tensor(mean), torch.as_tensor(scale)
    with torch.no_grad():
        found = network(torch.as_tensor(flux)).numpy()
    weights = [w.detach().numpy() for w in network.parameters()]
    (w1, b1), (w2, b2), (w3, b3) = (weights[i : i + 2] for i in (0, 2, 4))
    for star in range(2):
        of_window = np.zeros((32, 6 + 2))  # a window of zeros on either side
        for w, own in enumerate(pixels):
            row = np.concatenate([[0], ((flux[star] - mean) / scale)[own], [0]])
            first = [[max(b1[c] + w1[c, 0] @ row[2 * i : 2 * i + 3], 0) for i in range(5)] for c in range(16)]
            of_window[:, w + 1] = [max(b2[c] + np.sum(w2[c] * first), 0) for c in range(32)]
        third = np.array(
            [[max(b3[c] + np.sum(w3[c] * of_window[:, w : w + 3]), 0) for w in range(6)] for c in range(64)]
        )
        expected = third.reshape(64, 3, 2).mean(axis=2) / np.sqrt(1 + network.standard.eps)
        np.testing.assert_allclose(found[star], expected.ravel(), rtol=1e-9)


@pytest.mark.parametrize("what", WHAT)
def test_training_starts_from_exactly_the_ridge(what, stars):
    X, features = stars[0][:50], stars[1][:50]
    if what == "local":
        network, column = local_net(20, segments=4, n_pixels=P), 0
    else:
        network, column, features = dual_net(what), 1, np.column_stack([features, features[:, 1:]])
        X = X[:, :60]
    np.testing.assert_array_equal(network.log_g(X, features), features[:, column].astype(float))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05
    assert np.abs(network.log_g(X, features) - features[:, column]).max() > 1e-3


def test_late_and_gated_fusion_are_what_they_say(stars):
    """Layers of the towers by hand; a gate far above or below zero leaves one tower alone."""
    X, features = torch.as_tensor(stars[0][:20, :60]), torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
    late, gated = dual_net("late"), dual_net("gated")
    with torch.no_grad():
        for network in (late, gated):
            for parameter in network.parameters():
                parameter += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2))
        both = []
        for network in (late, gated):
            hidden = (features - network.centre) / network.unit
            for layer in (network.global_tower[0][0], network.global_tower[0][3]):
                hidden = torch.relu(hidden @ layer.weight.T + layer.bias)
            of_windows = torch.relu(network.local_tower[0](network.windows(X)))
            both.append((hidden, of_windows))
        correction = late.fused(torch.cat(both[0], dim=1))[:, 0]
        torch.testing.assert_close(late(X, features), features[:, 1] + correction)
        one, other = gated.of_global(both[1][0])[:, 0], gated.of_local(both[1][1])[:, 0]
        g = torch.sigmoid(gated.gate(torch.cat(both[1], dim=1)))[:, 0]
        torch.testing.assert_close(gated(X, features), features[:, 1] + g * one + (1 - g) * other)
        for bias, alone in ((60.0, one), (-60.0, other)):
            gated.gate[-1].bias.fill_(bias)
            torch.testing.assert_close(gated(X, features), features[:, 1] + alone)


@pytest.mark.parametrize("what", WHAT)
def test_training_corrects_the_ridge(what, stars):
    _, features, log_g, _ = stars
    network = fit(what, stars, epochs=30, learning_rate=1e-2)
    before, after = (
        np.abs(of - log_g[N["train"] :]).mean() for of in (features[N["train"] :, 1], log_g_of(network, stars))
    )
    assert after < 0.6 * before
    assert network.about["stop"] == pytest.approx(after, rel=1e-4)
    train = log_g[: N["train"]]
    r2 = 1 - np.mean((log_g_of(network, stars, slice(N["train"])) - train) ** 2) / np.var(train)
    assert network.about["r2_train"] == pytest.approx(r2, rel=1e-4)


def test_a_network_that_only_gets_worse_stays_the_ridge(stars):
    """Labels without any relation to the flux, and large steps."""
    X, features, log_g, ridge = stars
    noise = np.random.default_rng(0).normal(size=len(log_g))
    given = X, np.column_stack([features[:, 0], 0 * noise, features[:, 2]]).astype(np.float32), noise, ridge
    network = fit("local", given, learning_rate=0.3, epochs=3)
    if network.about["kept"] == 0:
        np.testing.assert_array_equal(log_g_of(network, given), 0)
    assert network.about["stop"] <= np.abs(noise[N["train"] :]).mean() + 1e-6


def test_slopes_are_the_same_in_parts():
    x, y = torch.randn(23, 4), torch.randn(23)
    w, slopes = torch.randn(4, requires_grad=True), []
    for size in (23, 5, 1):
        w.grad = None
        value = in_parts(lambda rows: ((x[rows] @ w - y[rows]) ** 2).mean(), torch.arange(23), size)
        value.backward()
        slopes.append((value.item(), w.grad.clone()))
    for value, slope in slopes[1:]:
        assert value == pytest.approx(slopes[0][0], rel=1e-5)
        torch.testing.assert_close(slope, slopes[0][1])


class Killed(Exception):
    pass


@pytest.mark.parametrize("what", ["local", "gated"])
def test_a_training_that_is_killed_goes_on_as_if_nothing_had_been(what, stars, tmp_path, capsys):
    class Kill(Checkpoint):
        def save(self, **state):
            super().save(**state)
            if len(state["curve"]["epoch"]) == 4:
                raise Killed

    how = {"epochs": 7, "dropout": 0.3}
    whole = fit(what, stars, **how)
    assert "epoch 7: loss" in capsys.readouterr().out
    with pytest.raises(Killed):
        fit(what, stars, **how, checkpoint=Kill(tmp_path / "here", "one"))
    again = fit(what, stars, **how, checkpoint=Checkpoint(tmp_path / "here", "one"))
    assert again.about == whole.about
    for name, array in whole.state()[1].items():
        np.testing.assert_array_equal(again.state()[1][name], array, err_msg=name)


def test_a_seed_is_a_network(stars):
    one, two, other = (fit("late", stars, epochs=6, learning_rate=1e-2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(log_g_of(one, stars), log_g_of(two, stars))
    assert np.abs(log_g_of(one, stars) - log_g_of(other, stars)).max() > 1e-4


def test_a_last_batch_of_one_star_is_left_out(stars):
    assert N["train"] % 599 == 1
    assert np.isfinite(fit("local", stars, epochs=1, batch=599).about["curve"]["fit"]).all()
