"""The posterior against naive quadrature over pixels, against Fisher's covariance, and under masks."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logsumexp

from gravispec.catalogue import describe
from gravispec.models.importance import moments, normalised_weights, student_draws, tempered
from gravispec.models.likelihood import Likelihood
from gravispec.models.posterior import QUANTILES, fit
from gravispec.models.templates import templates
from gravispec.spectra.emulator import Emulator, emulation_error, fit_emulator
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.splines import nodes

P = 240
WAVE = np.linspace(8150.0, 8700.0, P)
LABELS = ("log_g", "T_eff", "M_H")
AXES = {"T_eff": np.linspace(4000, 6000, 4), "log_g": np.linspace(1, 5, 5), "M_H": np.linspace(-2, 0, 4)}
LOW, HIGH = (np.array([axis[end] for axis in AXES.values()]) for end in (0, -1))
RESPONSE = np.random.default_rng(1).normal(0, 0.1, (4, P))


def clean(theta):
    """(n, P) of labels (n, 3), bent in log g."""
    h = 2 * (theta - LOW) / (HIGH - LOW) - 1
    return np.exp(np.column_stack([h, h[:, 1] ** 2]) @ RESPONSE)


@pytest.fixture(scope="module")
def forward():
    grid = GridInterpolator(AXES, fit_basis(clean(nodes(AXES))), wave=WAVE)
    labels = {name: {"low": axis[0], "high": axis[-1]} for name, axis in AXES.items()}
    return ForwardModel(grid, labels | {"mag": {"low": 20.0, "high": 22.0}, "beta": 1.2}, 4)


@pytest.fixture(scope="module")
def posterior(forward):
    return fit(forward, draws=2048, components=40)


def observed(forward, theta, snr, seed=0):
    flux = forward.grid(theta)
    flux /= flux.mean(axis=1, keepdims=True)
    sigma = np.random.default_rng(9).uniform(0.7, 1.3, flux.shape) / snr
    return flux + sigma * np.random.default_rng(seed).normal(size=flux.shape), sigma


def quadrature(forward, flux, sigma, n=30):
    """Mean and standard deviation (3,) of the posterior on a grid of labels; the amplitude is summed over, too."""
    middles = [(np.arange(n) + 0.5) / n * (high - low) + low for low, high in zip(LOW, HIGH, strict=True)]
    theta = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 3)
    model = forward.grid(theta).astype(float)
    model /= model.mean(axis=1, keepdims=True)
    whitened, target = model / sigma, flux / sigma
    square, product = np.square(whitened).sum(axis=1), whitened @ target
    steps = np.linspace(-6, 6, 49)[:, None] * square**-0.5  # of the amplitude, in its standard deviations
    amplitude = product / square + steps
    chi2 = np.square(target).sum() - 2 * amplitude * product + amplitude**2 * square
    log_p = logsumexp(-0.5 * chi2, axis=0) - 0.5 * np.log(square) + forward.prior.log_density(theta)
    mean, covariance = moments(theta, normalised_weights(log_p))
    return mean, np.sqrt(np.diag(covariance))


@pytest.mark.parametrize("snr", [1, 4])
def test_mean_and_scatter_are_those_of_naive_quadrature_over_pixels(forward, posterior, snr):
    stars = forward.stars(8, split="test")[list(AXES)].to_numpy()
    flux, sigma = observed(forward, stars, snr)
    found = posterior.predict(3.7e-17 * flux, 3.7e-17 * sigma)
    for i in range(len(stars)):
        mean, scatter = quadrature(forward, flux[i], sigma[i])
        for t, label in enumerate(AXES):
            assert abs(found[label][i] - mean[t]) < 3 * scatter[t] / np.sqrt(found["ess"][i])
            assert found[f"sigma_{label}"][i] == pytest.approx(scatter[t], rel=3 / np.sqrt(2 * found["ess"][i]))
        draws = posterior.samples(flux[i], sigma[i], 4000, seed=1)
        assert (np.abs(draws.mean(axis=0) - mean) < 4 * scatter / np.sqrt(found["ess"][i])).all()
        for name, share in QUANTILES.items():
            assert found[f"{name}_log_g"][i] == pytest.approx(np.quantile(draws[:, 1], share), abs=0.25 * scatter[1])
    assert (found["ess"] > 100).all()


def test_covariance_is_that_of_fisher_where_the_noise_is_small(forward, posterior):
    """The conjugate case: linear model, Gaussian noise, flat prior on the amplitude."""
    theta = np.array([[5000.0, 3.6, -1.0]])
    flux, sigma = observed(forward, theta, 300)
    step = np.diag([5.0, 0.01, 0.01])
    models = forward.grid(np.vstack([theta, theta + step, theta - step])).astype(float)
    models /= models.mean(axis=1, keepdims=True)
    jacobian = np.vstack([models[:1], (models[1:4] - models[4:]) / (2 * np.diag(step)[:, None])])
    covariance = np.linalg.inv((jacobian / sigma**2) @ jacobian.T)[1:, 1:]
    found = posterior.predict(flux, sigma)
    for t, label in enumerate(AXES):
        assert found[f"sigma_{label}"][0] == pytest.approx(np.sqrt(covariance[t, t]), rel=0.06)
    scale = np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found["cov_log_g_T_eff"][0] == pytest.approx(covariance[0, 1], abs=0.06 * scale)


def test_labels_scatter_as_their_posterior_says_and_the_misfit_as_a_normal_number(forward, posterior):
    stars = forward.stars(300, split="test")[list(AXES)].to_numpy()
    flux, sigma = observed(forward, stars, 10)
    found = posterior.predict(flux, sigma)
    for t, label in enumerate(AXES):
        pull = (found[label] - stars[:, t]) / found[f"sigma_{label}"]
        assert abs(pull.std() - 1) < 0.12
        assert abs(pull.mean()) < 0.2
    assert abs(found["misfit"].mean()) < 0.4
    assert 0.8 < found["misfit"].std() < 1.2
    wrong = posterior.predict(flux + 0.3 * np.sin(WAVE / 30), sigma)
    assert (wrong["misfit"] > 5).all()


@pytest.mark.parametrize("start", ["beyond the prior", "far too narrow", "far too wide"])
def test_a_proposal_that_is_wrong_costs_draws_and_no_accuracy(forward, posterior, start):
    """As that of a network for a spectrum like none that it has seen."""
    flux, sigma = observed(forward, forward.stars(4, split="test")[list(AXES)].to_numpy(), 6)
    expected = posterior.predict(flux, sigma)
    middle, width = (LOW + HIGH) / 2, HIGH - LOW
    starts = {"beyond the prior": (HIGH + 5 * width, 1e-4), "far too narrow": (middle, 1e-9)}
    mean, scale = (starts | {"far too wide": (middle, 50)})[start]
    found = posterior.sampled(flux, sigma, [(mean, np.diag(scale * width**2))] * 4)
    for label in AXES:
        assert (np.abs(found[label] - expected[label]) < 0.35 * expected[f"sigma_{label}"]).all()
        np.testing.assert_allclose(found[f"sigma_{label}"], expected[f"sigma_{label}"], rtol=0.3)


def test_masked_pixels_count_for_nothing(forward, posterior):
    flux, sigma = observed(forward, forward.stars(3, split="test")[list(AXES)].to_numpy(), 10)
    masked = np.zeros(P, bool)
    masked[30:90] = masked[::7] = True
    open_ended = np.where(masked, np.inf, sigma)
    found = posterior.predict(np.where(masked, 17.0, flux), open_ended)
    again = posterior.predict(np.where(masked, -3.0, flux), open_ended)
    for name in found:
        np.testing.assert_allclose(found[name], again[name], rtol=1e-9)
    whole = posterior.predict(flux, sigma)
    assert (found["sigma_log_g"] > whole["sigma_log_g"]).all()


def test_a_free_continuum_is_marginalised_as_by_the_dense_covariance():
    """f ~ N(a m, σ² + τ₁² â² (x m)(x m)ᵀ), a integrated numerically, â the amplitude of that model."""
    rng = np.random.default_rng(3)
    basis = rng.normal(size=(P, 5))
    c = rng.normal(size=(8, 5)) * [0.02, 0.02, 0.02, 0.02, 0.02] + [1, 0, 0, 0, 0]
    basis[:, 0] = 1
    sigma, x = rng.uniform(0.05, 0.1, P), np.linspace(-1, 1, P)
    flux = (1 + 0.1 * x) * (basis @ c[0]) + sigma * rng.normal(size=P)
    nothing = np.zeros(P)  # that a product adds to a model
    products = np.column_stack([basis, nothing, x[:, None] * basis, nothing])
    found = Likelihood(products, flux, sigma, np.zeros(1), np.array([[0.15**2]]))(c)
    expected = []
    for m in c @ basis.T:
        amplitude = np.sum(flux * m / sigma**2) / np.sum(m**2 / sigma**2)
        covariance = np.diag(sigma**2) + (0.15 * amplitude) ** 2 * np.outer(x * m, x * m)
        inverse = np.linalg.inv(covariance)
        log_p = [-0.5 * (flux - a * m) @ inverse @ (flux - a * m) for a in np.linspace(0.8, 1.2, 401)]
        expected.append(logsumexp(log_p) - 0.5 * np.linalg.slogdet(covariance)[1])
    np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], atol=2e-3)


@pytest.mark.parametrize("kind", ["noise", "negative", "flat", "a proposal that is no number", "at a corner"])
def test_what_is_no_spectrum_of_a_star_has_finite_labels(forward, posterior, kind):
    flux, sigma = observed(forward, forward.stars(3, split="test")[list(AXES)].to_numpy(), 10)
    noise = np.random.default_rng(2).normal(size=flux.shape)
    flux = {"noise": 1e3 * noise, "negative": -flux, "flat": np.ones_like(flux)}.get(kind, flux)
    middle, width = (LOW + HIGH) / 2, HIGH - LOW
    proposal = (HIGH, np.diag((1e-6 * width) ** 2)) if kind == "at a corner" else (middle * np.nan, np.diag(width))
    found = posterior.sampled(flux, sigma, [None if kind in ("noise", "negative", "flat") else proposal] * 3)
    assert all(np.isfinite(values).all() for values in found.values())


def test_every_column_of_a_posterior_is_described_in_a_catalogue(forward, posterior):
    found = posterior.predict(*observed(forward, forward.stars(1, split="test")[list(AXES)].to_numpy(), 10))
    units = {name: describe(name)[1] for name in found}
    assert all(len(describe(name)[0]) > 10 for name in found)
    in_kelvin = {"T_eff", "sigma_T_eff", "cov_log_g_T_eff", "cov_T_eff_M_H"} | {f"{q}_T_eff" for q in QUANTILES}
    assert {name for name, unit in units.items() if unit == "K"} == in_kelvin


def test_templates_of_velocities_are_spectra_of_stars_of_eight_kinds(forward, posterior):
    level = SimpleNamespace(models={"exact": SimpleNamespace(model=posterior)})
    stars = [np.abs(posterior.emulator.coefficients(posterior.bank) @ posterior.basis - row).sum(axis=1).argmin()
             for row in templates(level)]  # fmt: skip
    log_g, T_eff, M_H = posterior.bank[stars][:, posterior.order].T
    assert len(set(stars)) == 8
    np.testing.assert_allclose(T_eff, np.repeat([4100, 4600, 5200, 5800], 2), atol=300)
    np.testing.assert_allclose(M_H, np.tile([-1.3, -0.4], 4), atol=0.4)
    np.testing.assert_allclose(log_g, 2.6, atol=0.7)
    flux = forward.grid(posterior.bank[stars])
    np.testing.assert_allclose(templates(level), flux / flux.mean(axis=1, keepdims=True), rtol=0.01)


def test_the_emulator_is_the_grid(forward):
    labels = forward.stars(200, split="test")[list(AXES)].to_numpy()
    emulator = fit_emulator(forward.grid, 40)
    assert emulation_error(emulator, forward.grid, labels).max() < 1e-4
    assert isinstance(emulator, Emulator)


def test_draws_have_the_density_that_is_said():
    """Weights of a normal density: mean and covariance of the draws come out as those of the density."""
    draws, covariance = student_draws(4096, 2), np.array([[2.0, 0.6], [0.6, 1.0]])
    theta, log_density = draws(np.array([1.0, -2.0]), 1.5 * covariance)
    delta = theta - [0.7, -1.8]
    log_target = -0.5 * np.einsum("ni,ij,nj->n", delta, np.linalg.inv(covariance), delta)
    mean, found = moments(theta, normalised_weights(log_target - log_density))
    np.testing.assert_allclose(mean, [0.7, -1.8], atol=0.01)
    np.testing.assert_allclose(found, covariance, atol=0.03)
    evidence = np.exp(log_target - log_density).mean()
    assert evidence == pytest.approx(2 * np.pi * np.sqrt(np.linalg.det(covariance)), rel=0.01)


@pytest.mark.parametrize("log_weight", [np.linspace(0, -2000, 500), np.r_[np.zeros(3), np.full(400, -np.inf)]])
def test_tempering_keeps_some_draws(log_weight):
    weights = tempered(log_weight, 40)
    ess = 1 / np.square(weights).sum()
    assert weights.sum() == pytest.approx(1)
    assert ess == pytest.approx(min(40, np.isfinite(log_weight).sum()), rel=0.1)
