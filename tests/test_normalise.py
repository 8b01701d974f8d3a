"""The running continuum against a naive mean, and what it takes out of a spectrum."""

import numpy as np
import pytest

from gravispec.spectra.normalise import continuum_normalised

WAVE = 8000 + 0.5 * np.arange(900)


@pytest.fixture(scope="module")
def flux():
    rng = np.random.default_rng(4)
    return (1 - 0.5 * np.exp(-((WAVE - 8200) ** 2) / 8) + 0.05 * rng.normal(size=(3, 900))).astype(np.float32)


def test_it_is_the_mean_of_the_window(flux):
    found = continuum_normalised(flux, WAVE, 40.5)  # 81 pixels
    for row in range(3):
        for pixel in (0, 5, 400, 899):
            window = flux[row, max(0, pixel - 40) : pixel + 41].astype(float)
            assert found[row, pixel] == pytest.approx(flux[row, pixel] / window.mean(), rel=1e-6)
    assert found.dtype == np.float32


def test_scale_goes_and_a_slope_nearly_so(flux):
    found = continuum_normalised(flux, WAVE, 40)
    np.testing.assert_allclose(continuum_normalised(3e-17 * flux, WAVE, 40), found, rtol=1e-5)
    tilted = flux * np.linspace(0.95, 1.05, 900, dtype=np.float32)
    inside = slice(40, -40)
    assert np.abs(continuum_normalised(tilted, WAVE, 40) - found)[:, inside].max() < 1e-3
    assert np.abs(tilted - flux).max() > 0.04


def test_spectra_without_a_continuum_stay_finite():
    noise = np.random.default_rng(0).normal(0.01, 5, (4, 900)).astype(np.float32)
    assert np.isfinite(continuum_normalised(noise, WAVE, 40)).all()
