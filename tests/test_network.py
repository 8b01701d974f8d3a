"""The network's training spectra: noise in the projected space is that on the pixels; streams of its own."""

import numpy as np
import pytest
import torch
from scipy import stats

from gravispec.labels import LABELS
from gravispec.models.checkpoint import Checkpoint
from gravispec.models.network import fit
from gravispec.models.posterior_net import loss_of
from gravispec.models.projection import fit_projection
from gravispec.models.simulation import Stars
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.noise import add_noise
from gravispec.spectra.observing import error_of, variance_components, variance_factors
from gravispec.spectra.splines import nodes

P, K = 500, 30
WAVE = np.linspace(7300.0, 8800.0, P)
AXES = {"T_eff": np.linspace(4000, 6000, 4), "log_g": np.linspace(1, 5, 4), "M_H": np.linspace(-2, 0, 4)}
OPTIONS = {"components": K, "width": 64, "blocks": 1, "batch": 256, "epochs": 30}


@pytest.fixture(scope="module")
def forward():
    h = 2 * (nodes(AXES) - [4000, 1, -2]) / [2000, 4, 2] - 1
    lines = np.random.default_rng(1).normal(0, 0.08, (3, P))
    shape = np.outer(h[:, 0], np.linspace(-0.2, 0.2, P))
    grid = GridInterpolator(AXES, fit_basis(np.exp(h @ lines + shape)), wave=WAVE)
    labels = {name: {"low": axis[0], "high": axis[-1]} for name, axis in AXES.items()}
    return ForwardModel(grid, labels | {"mag": {"low": 20.0, "high": 22.5}, "beta": 1.2}, 4)


@pytest.fixture(scope="module")
def projection(forward):
    return fit_projection(forward.spectra(forward.stars(2000, split="basis")), 2000, WAVE, K)[0]


def spectra(forward, n, split="test"):
    flux, parameters = zip(*forward.spectra(forward.stars(n, split=split)), strict=True)
    return np.concatenate(flux), np.concatenate(parameters)


def test_the_variance_of_every_star_is_a_sum_of_three_spectra(forward):
    _, parameters = spectra(forward, 300)
    components, factors = variance_components(WAVE), variance_factors(WAVE, parameters)
    assert (components >= 0).all()
    assert (factors > 0).all()
    np.testing.assert_allclose(np.sqrt(factors @ components), error_of(WAVE, parameters), rtol=2e-5)


def test_projected_noise_has_the_covariance_of_the_noise_on_the_pixels(forward, projection):
    """U diag(σ²) Uᵀ of each star, in units of its diagonal."""
    _, parameters = spectra(forward, 5)
    triangles, of_scale = projection.triangles(variance_components(WAVE))
    factors, rows = variance_factors(WAVE, parameters), projection.rows.astype(float)
    for star, sigma in zip(factors, error_of(WAVE, parameters).astype(float), strict=True):
        expected = (rows * sigma**2) @ rows.T
        found = np.einsum("j,jab,jcb->ac", star, triangles, triangles, dtype=float)
        unit = np.sqrt(np.diag(expected))
        np.testing.assert_allclose(found / np.outer(unit, unit), expected / np.outer(unit, unit), atol=1e-4)
        assert star @ of_scale == pytest.approx(projection.scale(sigma[None])[0] ** 2, rel=1e-4)


@pytest.mark.parametrize("level", [0.1, 2.0])
def test_noisy_stars_are_distributed_as_noisy_spectra_that_are_projected(forward, projection, level):
    """One star many times: two-sample Kolmogorov-Smirnov tests of s and of random directions in z."""
    n = 4000
    stars = Stars(forward, projection, forward.stars(3, split="test"), "cpu")
    stream = torch.Generator().manual_seed(1)
    z, s = (values.numpy() for values in stars.noisy(torch.full((n,), 2), torch.full((n,), level), stream))
    flux, parameters = (values[[2]] for values in spectra(forward, 3))
    error = np.tile(error_of(WAVE, parameters), (n, 1))
    noisy = add_noise(np.tile(flux, (n, 1)), error, level=level, seed=9, split="x", rows=np.arange(n))
    raw = projection.raw(noisy)
    directions = np.random.default_rng(2).normal(size=(K, 12))
    long_way = projection(noisy, level * error)[0] @ directions
    for one, other in zip((z @ directions).T, long_way.T, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 1e-4
    scale = projection.scale(level * error) / raw[:, -1]
    assert stats.ks_2samp(s, scale).pvalue > 1e-4
    scatter = np.std(z, axis=0) / np.std(raw[:, :-1] / raw[:, -1:], axis=0)
    assert abs(np.median(scatter) - 1) < 0.01


def test_training_stars_are_those_of_the_data_set_and_no_other_stream_has_a_star_of_any_split(forward):
    parts = {
        split: forward.stars(400, split=split)["log_g"]
        for split in ("train", "val", "test", "network", "basis", "bank")
    }
    values = np.concatenate(list(parts.values()))
    assert len(np.unique(values)) == len(values)
    later = forward.stars(400, split="train", first=300)
    np.testing.assert_array_equal(later["log_g"], parts["train"][300:])


def test_the_loss_has_no_slope_at_the_true_moments_and_has_one_elsewhere():
    """Normal numbers with a known mean and covariance; noise levels in any order."""
    covariance = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, -0.3], [0.0, -0.3, 0.5]])
    n, rng = 100_000, np.random.default_rng(3)
    y = torch.as_tensor(rng.multivariate_normal([0.3, 0, -1], covariance, n), dtype=torch.float32)
    level = torch.as_tensor(rng.permutation(n) / n, dtype=torch.float32)
    factor = torch.as_tensor(np.linalg.cholesky(np.linalg.inv(covariance)), dtype=torch.float32)
    mean = torch.tensor([0.3, 0.0, -1.0])

    def slope(mean, factor):
        """Of the loss, against means and the elements of the triangle."""
        mean, factor = mean.clone().requires_grad_(), factor.clone().requires_grad_()
        loss_of(mean.expand(n, 3), factor.expand(n, 3, 3), y, level).backward()
        return max(mean.grad.abs().max().item(), torch.tril(factor.grad).abs().max().item())

    assert slope(mean, factor) < 0.15  # 20 times the squares of 100,000 stars: 0.06 by chance
    for wrong in ((mean + 0.2, factor), (mean, 1.2 * factor), (mean, torch.diag(torch.diagonal(factor)))):
        assert slope(*wrong) > 0.25


@pytest.fixture(scope="module")
def network(forward):
    return fit(forward, 2000, **OPTIONS, seed=5, device="cpu", threads=1)


def test_it_learns_all_levels_and_knows_its_errors(forward, network):
    stars = forward.stars(2000, split="test")
    flux, parameters = spectra(forward, 2000)
    error, r2 = error_of(WAVE, parameters), []
    for level in (0.2, 1.0):
        noisy = add_noise(flux, error, level=level, seed=4, split="test", rows=np.arange(2000))
        found = network.predict(noisy, level * error)
        again = network.predict(1e-17 * noisy, 1e-17 * level * error)
        pull = (found["log_g"] - stars["log_g"]) / found["sigma_log_g"]
        assert 0.7 < pull.std() < 1.3
        r2.append(1 - np.mean((found["log_g"] - stars["log_g"]) ** 2) / np.var(stars["log_g"]))
        for label in LABELS:
            np.testing.assert_allclose(again[label], found[label], rtol=1e-3, atol=1e-3)
        correlation = found["cov_log_g_T_eff"] / (found["sigma_log_g"] * found["sigma_T_eff"])
        assert (np.abs(correlation) < 1).all()
    assert r2[0] > r2[1] > 0.5


class Killed(Exception):
    pass


@pytest.mark.parametrize("unlimited", [False, True])
def test_a_training_that_is_killed_goes_on_as_if_nothing_had_been(forward, network, unlimited, tmp_path):
    class Kill(Checkpoint):
        def save(self, **state):
            super().save(**state)
            if len(state["curve"]["epoch"]) == 11:
                raise Killed

    how = {**OPTIONS, "seed": 5, "device": "cpu", "threads": 1, "unlimited": unlimited}
    if unlimited:
        with_limit, network = network, fit(forward, 2000, **how)
        assert network.about["curve"]["fit"][0] == with_limit.about["curve"]["fit"][0]
        assert network.about["curve"]["fit"][1] != with_limit.about["curve"]["fit"][1]
    with pytest.raises(Killed):
        fit(forward, 2000, **how, checkpoint=Kill(tmp_path / "here", "one"))
    assert Checkpoint(tmp_path / "here", "another").load() is None
    checkpoint = Checkpoint(tmp_path / "here", "one")
    assert checkpoint.load()["curve"]["epoch"] == list(range(1, 12))
    again = fit(forward, 2000, **how, checkpoint=checkpoint)
    for name, array in network.state()[1].items():
        np.testing.assert_array_equal(again.state()[1][name], array, err_msg=name)
    assert again.about["curve"] == network.about["curve"]
    checkpoint.remove()
    assert not list(tmp_path.iterdir())
    (tmp_path / "here").write_bytes(b"no file of PyTorch")
    assert checkpoint.load() is None


def test_a_seed_is_a_network(forward, network):
    again = fit(forward, 2000, **OPTIONS, seed=5, device="cpu", threads=1)
    other = fit(forward, 2000, **OPTIONS, seed=6, device="cpu", threads=1)
    for name, array in network.state()[1].items():
        np.testing.assert_array_equal(again.state()[1][name], array, err_msg=name)
    assert not np.array_equal(other.state()[1]["net.net.0.weight"], network.state()[1]["net.net.0.weight"])
