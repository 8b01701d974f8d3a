"""PCA from moments against scikit-learn's."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from gravispec.errors import InputError
from gravispec.features import quality
from gravispec.models.moments import fold_moments, pool
from gravispec.models.pca import Pca, pca_from_moments


def training_flux(n, n_pixels):
    rng = np.random.default_rng(5)
    X = 1 + rng.normal(size=(n, 5)) * [5, 4, 3, 2, 1] @ rng.normal(0, 0.1, (5, n_pixels))
    return (X + 0.01 * rng.normal(size=X.shape)).astype(np.float32)


def fitted(X, n_components):
    chunks = ((X[i : i + 64], np.zeros(len(X[i : i + 64]))) for i in range(0, len(X), 64))
    return pca_from_moments(pool(fold_moments(chunks, len(X), n_folds=3, seed=0)), n_components)


@pytest.mark.parametrize(("n", "n_pixels", "solver"), [(300, 80, "covariance_eigh"), (60, 90, "full")])
def test_agrees_with_scikit_learn(n, n_pixels, solver):
    X = training_flux(n, n_pixels)
    pca, reference = fitted(X, 5), PCA(5, svd_solver=solver).fit(X.astype(float))
    np.testing.assert_allclose(pca.explained_variance, reference.explained_variance_, rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(pca.components * reference.components_, axis=1)), 1, rtol=1e-10)
    np.testing.assert_allclose(pca.mean, reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(pca.total_variance, X.astype(float).var(axis=0, ddof=1).sum(), rtol=1e-12)
    scores = reference.transform(X.astype(float))
    sign = np.sign(np.sum(pca.components * reference.components_, axis=1))
    np.testing.assert_allclose(pca.transform(X) * sign, scores, atol=1e-8 * np.abs(scores).max())


def test_largest_entry_of_a_component_is_positive():
    components = fitted(training_flux(200, 70), 12).components
    np.testing.assert_allclose(components @ components.T, np.eye(12), atol=1e-12)
    assert (components.max(axis=1) > -components.min(axis=1)).all()


@pytest.mark.parametrize(("n_components", "most"), [(0, 40), (41, 40)])
def test_impossible_number_of_components(n_components, most):
    with pytest.raises(InputError, match=f"{n_components} components .* ask for 1 to {most}"):
        fitted(training_flux(90, 40), n_components)


def test_save_and_load(tmp_path):
    pca = fitted(training_flux(90, 40), 3)
    pca.save(tmp_path / "pca.npz")
    loaded = Pca.load(tmp_path / "pca.npz")
    np.testing.assert_array_equal(loaded.components, pca.components)
    np.testing.assert_array_equal(loaded.transform(np.ones((2, 40))), pca.transform(np.ones((2, 40))))
    assert loaded.total_variance == pca.total_variance


def test_chi2_of_part_of_a_spectrum_is_one_whatever_the_unit_of_the_flux():
    """150 of 600 pixels, six components: the mean over 300 spectra is 1 within 3 %; it sees a line."""
    rng, n = np.random.default_rng(0), 600
    components, variance = np.linalg.qr(rng.normal(size=(n, 6)))[0].T, np.array([9.0, 4, 2, 1, 0.5, 0.2])
    pca = Pca(1 + 0.1 * np.sin(np.arange(n) / 30), components, variance, variance.sum())
    clean = pca.mean + (rng.normal(size=(300, 6)) * np.sqrt(variance)) @ components
    sigma = np.full(clean.shape, 0.03)
    flux, measured = clean + rng.normal(size=clean.shape) * sigma, np.zeros(clean.shape, bool)
    measured[:, 350:500] = True
    flux[~measured] = 1e6
    assert quality.chi2_of_part(3 * flux, 3 * sigma, pca, measured).mean() == pytest.approx(1, abs=0.03)
    flux[:, 400:404] += 0.3
    assert (quality.chi2_of_part(flux, sigma, pca, measured) > 1.5).all()
    assert np.isnan(quality.chi2_of_part(flux, sigma, pca, measured & (np.arange(n) < 355))).all()
