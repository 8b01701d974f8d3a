"""Nuisances: the series is what they do to spectra; simulated stars are distributed as spectra that are projected."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy import stats

from gravispec.models.likelihood import Likelihood
from gravispec.models.posterior import fit as fit_posterior
from gravispec.models.projection import fit_projection
from gravispec.models.simulation import ObservedStars, Views, clean_basis, gaps
from gravispec.spectra import stress
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.model_error import smooth_errors, with_model_error
from gravispec.spectra.noise import add_noise
from gravispec.spectra.nuisances import (
    KINDS,
    PRODUCTS,
    Series,
    drawn,
    measured_pixels,
    values_of,
    widths,
    with_nuisances,
)
from gravispec.spectra.observation import observe
from gravispec.spectra.observing import error_of
from gravispec.spectra.splines import nodes
from tests.conftest import REPO

P, K, FWHM = 900, 40, 1.6
WAVE = 8340.0 + 0.42725 * np.arange(P)
AXES = {"T_eff": np.linspace(4000, 6000, 4), "log_g": np.linspace(1, 5, 4), "M_H": np.linspace(-2, 0, 4)}
SCALES = yaml.safe_load((REPO / "config/config.yaml").read_text())["datasets"]["survey"]["nuisances"]
SCALES = {**SCALES, "windows": [(8396.0, 8402.0), (8462.0, 8520.0)]}


@pytest.fixture(scope="module")
def forward():
    """Lines of the width of the spectrograph at random places, whose depths depend on the labels."""
    rng, h = np.random.default_rng(1), 2 * (nodes(AXES) - [4000, 1, -2]) / [2000, 4, 2] - 1
    centres, sigma = rng.uniform(WAVE[0] - 3, WAVE[-1] + 3, 60), FWHM / 2.3548
    lines = np.exp(-0.5 * ((WAVE[:, None] - centres) / sigma) ** 2)
    depth = 0.25 + 0.08 * h @ rng.normal(size=(3, 60)) + 0.04 * h[:, [1]] ** 2
    flux = np.exp(-np.clip(depth, 0, None) @ lines.T) * np.exp(0.1 * h[:, [0]] * np.linspace(-1, 1, P))
    labels = {name: {"low": axis[0], "high": axis[-1]} for name, axis in AXES.items()}
    labels |= {"mag": {"low": 20.0, "high": 22.5}, "beta": 1.2}
    grid = GridInterpolator(AXES, fit_basis(flux), wave=WAVE)
    return ForwardModel(grid, labels, 4, {"scales": SCALES, "fwhm": FWHM})


@pytest.fixture(scope="module")
def projection(forward):
    return fit_projection(forward.observed(forward.stars(2000, split="basis")), 2000, WAVE, K)


def clean(forward, n):
    flux, parameters = zip(*forward.spectra(forward.stars(n, split="test")), strict=True)
    return np.concatenate(flux), np.concatenate(parameters)


@pytest.mark.parametrize("wide", widths(0.3), ids=lambda width: f"{width.name}{width.low:.3g}")
def test_the_series_is_what_nuisances_do_to_a_spectrum(forward, wide):
    """Within 0.2 % of the flux, rms, in 95 % of the stars, 0.6 % with wide lines; without the ends of the spectra."""
    n = 200
    flux, _ = clean(forward, n)
    values = drawn(n, {**SCALES, "wide": 0.0}, split="x", seed=3)
    if wide.name:
        values[wide.name] = wide.value(np.random.default_rng(5).random(n))
    exact = with_nuisances(flux, WAVE, FWHM, values)
    series = Series(WAVE, FWHM)
    found = np.zeros(flux.shape)
    for name, factor in zip(PRODUCTS, series.terms(values, wide).T, strict=True):
        product, added = series.product(wide.of(flux, WAVE, FWHM), name)
        found += factor[:, None] * (product + added)
    missed = np.sqrt(np.square(found - exact)[:, 30:-30].mean(axis=1))
    moved = np.sqrt(np.square(exact - flux)[:, 30:-30].mean(axis=1))
    assert np.quantile(missed, 0.95) < (6e-3 if wide.name else 2e-3)
    assert np.median(moved) > 0.05


@pytest.mark.parametrize(
    ("name", "value", "function"),
    [
        ("velocity", 7.0, lambda flux: stress.shifted(flux, WAVE, 7.0)),
        ("v_sin_i", 15.0, lambda flux: stress.rotated(flux, WAVE, 15.0)),
        ("resolution", 0.9, lambda flux: stress.resolved(flux, WAVE, FWHM, 0.9)),
        ("constant", 0.2, lambda flux: flux + 0.2),
        ("core", 0.1, lambda flux: stress.filled(flux, stress.core_pixels(WAVE), 0.1)),
        ("E_BV", 0.3, lambda flux: stress.reddened(flux, WAVE, 0.3)),
        ("slope", 0.05, lambda flux: stress.tilted(flux, WAVE, 0.1)),
    ],
)
def test_each_nuisance_alone_is_the_stress_of_that_name(forward, name, value, function):
    flux, _ = clean(forward, 20)
    values = values_of(np.zeros((20, len(KINDS))), SCALES) | {name: np.full(20, value)}
    found, expected = (
        of / np.median(of, axis=1, keepdims=True)
        for of in (with_nuisances(flux, WAVE, FWHM, values), function(flux.astype(float)))
    )
    np.testing.assert_allclose(found[:, 30:-30], expected[:, 30:-30], atol=2e-3)


def test_stars_of_a_split_do_not_depend_on_their_number_and_have_the_spread_that_is_asked_for():
    all_stars = pd.DataFrame(drawn(20_000, SCALES, split="train", seed=2))
    later = pd.DataFrame(drawn(500, SCALES, split="train", seed=2, first=400))
    pd.testing.assert_frame_equal(later, all_stars.iloc[400:500].reset_index(drop=True))
    for name in ("slope", "E_BV", "velocity", "constant"):
        assert all_stars[name].std() == pytest.approx(SCALES[name], rel=0.04)
        assert all_stars[name].abs().max() <= 3 * SCALES[name]
    wide = (all_stars["v_sin_i"] > 24.1) | (all_stars["resolution"] < 0.83)
    share = 96 / 110 + np.log(0.83 / 0.38) / np.log(0.9 / 0.38)
    assert wide.mean() == pytest.approx(SCALES["wide"] / 2 * share, abs=0.01)
    assert all_stars["missing_8396_8402"].mean() == pytest.approx(SCALES["missing"], abs=0.02)
    measured = measured_pixels(all_stars[:50], WAVE)
    for row, missing in zip(measured, all_stars["missing_8462_8520"], strict=False):
        assert row[(WAVE >= 8462) & (WAVE <= 8520)].any() == (not missing)
    assert measured_pixels(pd.DataFrame({"log_g": [1.0]}), WAVE).all()


def test_missing_pixels_of_an_observation_are_filled_before_its_median_is_taken(forward):
    flux, parameters = clean(forward, 6)
    error, measured = error_of(WAVE, parameters), np.ones((6, P), bool)
    measured[2, 100:160] = False
    how = {"level": 0.3, "seed": 1, "split": "test", "rows": np.arange(6), "wave": WAVE}
    plain, _ = observe(flux, error, **how, median="noisy", continuum=0)
    found, _ = observe(flux, error, **how, median="noisy", continuum=0, measured=measured)
    np.testing.assert_array_equal(np.delete(found, 2, axis=0), np.delete(plain, 2, axis=0))
    kept = measured[2]
    ratio = found[2, kept] / plain[2, kept]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    assert np.std(found[2, ~kept]) < 0.5 * np.std(plain[2, ~kept])  # a smooth bridge
    assert np.median(found[2]) == pytest.approx(1, rel=1e-5)
    wild = flux.copy()
    wild[2, ~kept] = 1e6
    np.testing.assert_array_equal(observe(wild, error, **how, median="noisy", continuum=0, measured=measured)[0], found)


def test_a_view_is_the_wiener_filter_of_the_pixels_that_are_measured(forward, projection):
    """Against normal equations on the pixels; and of all pixels it is a division of each number by itself."""
    projected, spread = projection
    measured = np.random.default_rng(1).random(P) > 0.3
    flux, _ = clean(forward, 5)
    view, s = projected.view(measured, spread), np.full(5, 0.05)
    y, scale = view(flux, np.full(flux.shape, 0.1))
    z, r = view.filled(y, s)
    root = np.sqrt(P * projected.weight.astype(float))[measured]
    design = (projected.rows[:-1, measured] / root).T  # (pixels, K)
    by_mean = projected.rows[-1, measured]
    amplitude = flux[:, measured] @ by_mean / (by_mean @ projected.typical[measured])
    target = (flux[:, measured] / amplitude[:, None] - projected.typical[measured]) * root
    inverse = np.linalg.inv(design.T @ design / s[0] ** 2 + np.diag(spread**-2.0))
    np.testing.assert_allclose(z, target @ design / s[0] ** 2 @ inverse, atol=2e-3 * spread.max())
    np.testing.assert_allclose(r, np.tile(1 - np.diag(inverse) / spread**2, (5, 1)), atol=1e-4)
    expected = 0.1 * np.sqrt(projected.weight[measured].sum() * P / measured.sum()) / amplitude
    np.testing.assert_allclose(scale, expected, rtol=1e-4)
    everything = projected.view(np.ones(P, bool), spread)
    y, _ = everything(flux, np.ones(flux.shape))
    z, r = everything.filled(y, s)
    np.testing.assert_allclose(r, np.tile(spread**2 / (spread**2 + s[0] ** 2), (5, 1)), atol=1e-4)
    np.testing.assert_allclose(z, y * r, atol=1e-4)
    assert projected(flux, np.ones(flux.shape))[0] == pytest.approx(y, abs=2e-5)


def test_smooth_errors_are_taken_out_before_noise_is_measured(forward, projection):
    projected, spread = projection
    flux, parameters = clean(forward, 300)
    error, smooth = error_of(WAVE, parameters), smooth_errors(WAVE, {"smooth": 0.05})
    wavy = flux + np.random.default_rng(6).normal(size=(300, smooth.shape[1])) @ smooth.T
    noisy = add_noise(wavy.astype(np.float32), error, level=0.5, seed=3, split="x", rows=np.arange(300))
    for measured in (np.ones(P, bool), np.arange(P) > 300):
        view = projected.view(measured, spread)
        y, s = view(noisy, 0.5 * error)
        z, r = view.filled(y, s)
        ratio = view.noise(noisy, z, r, smooth) / s
        assert abs(np.median(ratio) - 1) < 0.015
        assert np.median(view.noise(noisy, z, r) / s) > 1.005


def test_model_errors_have_the_size_that_is_asked_for_and_do_not_depend_on_blocks():
    wave = 8000.0 + 0.5 * np.arange(1200)
    scales = {"smooth": 0.02, "model_error": 0.01, "core_error": 0.1}
    how = {"seed": 1, "split": "test"}
    found = with_model_error(np.ones((2000, 1200)), wave, FWHM, scales, **how, rows=np.arange(2000)) - 1
    part = with_model_error(np.ones((5, 1200)), wave, FWHM, scales, **how, rows=np.arange(7, 12)) - 1
    np.testing.assert_array_equal(part, found[7:12])
    far = np.abs(wave[:, None] - stress.CORES).min(axis=1) > 6
    assert found[:, far].std() == pytest.approx(np.hypot(0.02, 0.01), rel=0.02)
    core = np.abs(wave - stress.CORES[1]).argmin()
    assert found[:, core].std() == pytest.approx(np.sqrt(0.02**2 + 0.01**2 + 0.1**2), rel=0.05)
    white = np.diff(found[:, far[: len(wave)]], axis=1)[:, :500].std() / np.sqrt(2)
    assert white == pytest.approx(0.01, rel=0.03)
    correlation = (found[:, 100] * found[:, 200]).mean() / 0.02**2  # 50 Å apart: exp(-1/4) of smooth Gaussians
    assert correlation == pytest.approx(np.exp(-0.25), abs=0.08)


def test_smooth_errors_are_in_the_projected_noise_of_a_view(forward, projection):
    """Against draws on the pixels, in units of each number's own scatter; without them it is another covariance."""
    projected, spread = projection
    view, smooth = projected.view(np.arange(P) > 200, spread), smooth_errors(WAVE, {"smooth": 0.05})
    white = np.full(P, 0.02)
    triangle = view.triangles(white[None] ** 2, smooth)[0][0].astype(float)
    rng = np.random.default_rng(2)
    noise = white * rng.normal(size=(40_000, P)) + rng.normal(size=(40_000, smooth.shape[1])) @ smooth.T
    expected = np.cov(view.raw(noise).T)
    unit = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(triangle @ triangle.T / np.outer(unit, unit), expected / np.outer(unit, unit), atol=0.03)
    plain = view.triangles(white[None] ** 2)[0][0].astype(float)
    assert np.abs(plain @ plain.T / np.outer(unit, unit) - expected / np.outer(unit, unit)).max() > 0.3


def test_noise_is_measured_where_the_projection_says_nothing(forward, projection):
    projected, spread = projection
    flux, parameters = clean(forward, 300)
    error = error_of(WAVE, parameters)
    noisy = add_noise(flux, error, level=0.5, seed=3, split="x", rows=np.arange(300))
    for measured in (np.ones(P, bool), np.arange(P) > 300):
        view = projected.view(measured, spread)
        y, s = view(noisy, 0.5 * error)
        ratio = view.noise(noisy, *view.filled(y, s)) / s
        assert abs(np.median(ratio) - 1) < 0.01
        assert ratio.std() < 2 / np.sqrt(2 * (measured.sum() - K))


@pytest.fixture(scope="module")
def simulated(forward, projection):
    projected, spread = projection
    views = [projected.view(row, spread) for row in gaps(WAVE, SCALES, n=12)]
    basis = clean_basis(forward)
    shared = Views(views, basis, forward, "cpu")
    return views, shared, ObservedStars(forward, shared, basis, forward.stars(3, split="test"), "cpu")


def test_gaps_are_windows_scattered_pixels_and_ends_and_every_set_leaves_enough():
    measured = gaps(WAVE, SCALES, n=128)
    assert measured[0].all()
    assert (measured.sum(axis=1) > P // 10).all()
    in_window = (WAVE >= 8462) & (WAVE <= 8520)
    assert 0.6 < (~measured[:, in_window]).all(axis=1).mean() < 0.9
    assert len(np.unique(measured, axis=0)) > 60


@pytest.mark.parametrize("level", [0.15, 1.0])
def test_simulated_stars_are_distributed_as_spectra_with_nuisances_that_are_projected(forward, simulated, level):
    """One star many times in two views: two-sample Kolmogorov-Smirnov tests of s, of random directions in z, of r."""
    views, shared, stars = simulated
    n, stream = 12_000, torch.Generator().manual_seed(1)
    z, s, r = (values.numpy() for values in stars.noisy(torch.full((n,), 1), torch.full((n,), level), stream))
    stream.manual_seed(1)
    torch.randn((n, len(KINDS)), generator=stream)
    torch.rand(n, generator=stream)
    seen = np.repeat(torch.randint(len(views), (-(-n // 64),), generator=stream).numpy(), 64)[:n]
    flux, parameters = (values[[1]] for values in clean(forward, 3))
    directions = np.random.default_rng(2).normal(size=(K, 8))
    for k in (0, int(np.argmin([view.measured.sum() for view in views]))):
        mine, m, width = seen == k, 1500, shared.widths[k]
        values = drawn(m, {**SCALES, "wide": 0.0}, split="y", seed=8)
        if width.name:
            values[width.name] = width.value(np.random.default_rng(3).random(m))
        error = np.tile(error_of(WAVE, parameters), (m, 1))
        spectra = with_nuisances(np.tile(flux, (m, 1)), WAVE, FWHM, values).astype(np.float32)
        spectra = with_model_error(spectra, WAVE, FWHM, SCALES, seed=9, split="x", rows=np.arange(m))
        noisy = add_noise(spectra, error, level=level, seed=9, split="x", rows=np.arange(m))
        y, scale = views[k](noisy, level * error)
        long_way, share = views[k].filled(y, scale)
        for one, other in zip((z[mine] @ directions).T, (long_way @ directions).T, strict=True):
            assert stats.ks_2samp(one, other).pvalue > 1e-4
        assert stats.ks_2samp(s[mine], scale).pvalue > 1e-4
        np.testing.assert_allclose(np.median(r[mine], axis=0), np.median(share, axis=0), atol=0.02)


def test_the_likelihood_with_products_is_that_of_a_dense_gaussian(forward):
    """Conjugate toy problem: factors are normal, so flux is, with a covariance over all pixels."""
    rng, L, n = np.random.default_rng(4), 3, 60
    model, others = 1 + 0.1 * rng.normal(size=n), rng.normal(size=(L - 1, n))
    sigma, centre = rng.uniform(0.05, 0.1, n), np.array([0.05, -0.1])
    covariance = np.array([[0.02, 0.005], [0.005, 0.03]])
    smooth = 0.05 * rng.normal(size=(n, 4))
    flux = 1.7 * (model + 0.1 * others[0] - 0.2 * others[1]) + sigma * rng.normal(size=n)
    rows = [model, np.zeros(n)]
    for other in others:  # what a product adds, whatever the model is
        rows += [np.zeros(n), other]
    products = np.asfortranarray(np.array(rows).T)

    def dense(c):
        """ln of the density for a model c times the first, with a wide normal amplitude around a itself."""
        m = c * model
        within = np.linalg.inv(np.diag(sigma**2) + smooth @ smooth.T)
        a = (flux @ within @ m) / (m @ within @ m)
        mean, wide = a * (centre @ others), 100.0
        total = np.diag(sigma**2) + smooth @ smooth.T + a**2 * others.T @ covariance @ others + wide**2 * np.outer(m, m)
        return stats.multivariate_normal(mean, total).logpdf(flux)

    likelihood = Likelihood(products, flux, sigma, centre, covariance, smooth=smooth)
    c = np.array([[0.7], [1.0], [1.6]])
    expected = np.array([dense(one) for one in c[:, 0]])
    found = likelihood(c)
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=2e-3)


def test_the_posterior_marginalises_nuisances_and_pixels_that_are_missing(forward):
    n, level = 150, 0.15
    posterior = fit_posterior(forward, components=40)
    stars, values = forward.stars(n, split="test"), drawn(n, SCALES, split="test", seed=4)
    flux, parameters = clean(forward, n)
    spectra = with_nuisances(flux, WAVE, FWHM, values).astype(np.float32)
    error = error_of(WAVE, parameters)
    spectra = with_model_error(spectra, WAVE, FWHM, SCALES, seed=3, split="x", rows=np.arange(n))
    noisy = add_noise(spectra, error, level=level, seed=3, split="x", rows=np.arange(n))
    sigma, measured = level * error * values["error_factor"][:, None], measured_pixels(pd.DataFrame(values), WAVE)
    found = posterior.predict(noisy, sigma, measured)
    wild = np.where(measured, noisy, 1e3)
    again = posterior.predict(wild, sigma, measured)
    without = fit_posterior(ForwardModel(forward.grid, forward.labels, 4), components=40).predict(noisy, sigma)
    for label in AXES:
        np.testing.assert_allclose(again[label], found[label], rtol=1e-6)
        pulls, blind = (((of[label] - stars[label]) / of[f"sigma_{label}"]) for of in (found, without))
        assert 0.75 < pulls.std() < 1.3
        assert blind.std() > 1.5
    assert (found["ess"] > 50).mean() > 0.95
    ratio = found["misfit"] * np.sqrt(2 * measured.sum(axis=1)) / measured.sum(axis=1) + 1
    np.testing.assert_allclose(np.median(ratio * values["error_factor"] ** 2), 1, atol=0.02)
