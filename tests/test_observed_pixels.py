"""Resampling and filling against naive references, their errors against Monte Carlo."""

import numpy as np
import pytest

from gravispec.observed.resample import MEASURED, resample
from gravispec.spectra.instrument import pixel_edges
from gravispec.spectra.neighbours import NEIGHBOURS, fill


def resampled(flux, wave, wave_out, *, error=None, bad=None, factor=1.0):
    flux = np.atleast_2d(np.asarray(flux, np.float32))
    error = np.ones_like(flux) if error is None else np.broadcast_to(np.float32(error), flux.shape)
    bad = np.zeros(flux.shape, bool) if bad is None else bad
    return resample(flux, error, bad, wave, wave_out, np.broadcast_to(np.float64(factor), len(flux)))


def naive(flux, error, bad, wave, wave_out, factor):
    """One spectrum, pixel by pixel."""
    old, new = pixel_edges(wave) / factor, pixel_edges(wave_out)
    out = np.zeros((3, len(wave_out)))
    for j in range(len(wave_out)):
        overlap = np.array([max(0, min(old[i + 1], new[j + 1]) - max(old[i], new[j])) for i in range(len(wave))])
        overlap[bad] = 0
        covered = overlap.sum() / (new[j + 1] - new[j])
        if covered < MEASURED:
            out[2, j] = True
            continue
        weight = overlap / overlap.sum()
        out[:2, j] = weight @ np.where(bad, 0, flux), np.sqrt(weight**2 @ np.where(bad, 0, error) ** 2)
    return out


@pytest.mark.parametrize("per_row", [False, True])
@pytest.mark.parametrize("mean_step", [0.2, 0.7, 2.5])
def test_resampling_equals_the_naive_one(mean_step, per_row):
    rng = np.random.default_rng(3)
    n, n_old = 70, int(50 / mean_step)  # more than a block of rows
    waves = 8480 + np.cumsum(rng.uniform(0.7, 1.3, (n if per_row else 1, n_old)), axis=1) * mean_step
    wave_out = 8490 + np.cumsum(rng.uniform(0.4, 0.6, 90))  # leaves the old pixels at the upper end
    flux, error = rng.normal(1, 0.3, (n, n_old)), rng.uniform(0.1, 0.2, (n, n_old))
    bad = rng.random((n, n_old)) < 0.1
    flux[bad] = np.nan
    factor = rng.uniform(1 - 1e-4, 1 + 1e-4, n)
    wave = waves if per_row else waves[0]
    new = resample(flux.astype("f4"), error.astype("f4"), bad, wave, wave_out, factor)
    for row in (0, 5, 69):
        expected = naive(flux[row], error[row], bad[row], waves[row if per_row else 0], wave_out, factor[row])
        np.testing.assert_array_equal(new[2][row], expected[2])
        assert 0 < expected[2].sum() < 60
        np.testing.assert_allclose(new[0][row], expected[0], atol=3e-6)
        np.testing.assert_allclose(new[1][row], expected[1], atol=1e-6)


def test_flux_is_conserved():
    rng = np.random.default_rng(1)
    wave, wave_out = np.arange(8000, 8200, 0.37), 8020 + np.cumsum(rng.uniform(0.3, 0.9, 200))
    flux = rng.uniform(0, 1, len(wave))
    new = resampled(flux, wave, wave_out)[0][0]
    edges, old = pixel_edges(wave_out), pixel_edges(wave)
    cumulative = np.concatenate([[0], np.cumsum(flux * np.diff(old))])
    expected = np.diff(np.interp(edges[[0, -1]], old, cumulative))[0]
    assert (new * np.diff(edges)).sum() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shift", [0.1, 0.25, 0.5, 0.9])
def test_variance_and_covariance_between_equal_pixels_are_those_of_monte_carlo(shift):
    """20,000 draws: a variance is known to 1 %."""
    sigma, n = 0.3, 20000
    noise = np.random.default_rng(7).normal(0, sigma, (n, 12))
    wave = 8000 + 0.5 * np.arange(12)
    new, error, missing = resampled(noise, wave, wave[2:-2] + shift * 0.5, error=sigma)
    assert not missing.any()
    covariance = np.cov(new, rowvar=False)
    np.testing.assert_allclose(np.diag(covariance), error[0] ** 2, rtol=0.05)
    np.testing.assert_allclose(error[0] ** 2, (shift**2 + (1 - shift) ** 2) * sigma**2, rtol=1e-4)
    # of one pair of pixels the covariance is only known to 0.007 σ²
    assert np.diag(covariance, 1).mean() == pytest.approx(shift * (1 - shift) * sigma**2, rel=0.05, abs=4e-3 * sigma**2)
    assert np.diag(covariance, 2).mean() == pytest.approx(0, abs=8e-3 * sigma**2)


@pytest.mark.parametrize("step", [0.13, 0.43, 0.5])
def test_variance_between_other_pixels_is_that_of_monte_carlo(step):
    """Errors that differ from pixel to pixel, masked pixels, a radial velocity of -120 km/s."""
    rng = np.random.default_rng(11)
    wave = np.arange(8000, 8030, step)
    sigma = rng.uniform(0.1, 0.3, len(wave))
    bad = np.zeros((8000, len(wave)), bool)
    bad[:, rng.choice(len(wave), 5, replace=False)] = True
    noise = rng.normal(0, sigma, bad.shape)
    new, error, missing = resampled(noise, wave, np.arange(8006, 8024, 0.42725), error=sigma, bad=bad, factor=1 - 4e-4)
    assert (missing == missing[0]).all()
    measured = ~missing[0]
    np.testing.assert_allclose(new.var(axis=0)[measured], error[0, measured] ** 2, rtol=0.05 if step < 0.5 else 0.06)


def test_filling_equals_the_naive_one():
    rng = np.random.default_rng(5)
    flux, error = rng.normal(1, 0.1, (3, 60)), rng.uniform(0.1, 0.2, (3, 60))
    missing = rng.random((3, 60)) < 0.3
    missing[0] = False
    missing[1, :25] = missing[1, 50:] = True
    new_flux, new_error = flux.copy(), error.copy()
    new_flux[missing] = np.nan
    new_error[missing] = np.inf
    fill(new_flux, new_error, missing)
    for row, pixel in np.argwhere(missing):
        good = [i for i in range(60) if not missing[row, i]]
        near = [i for i in good if i < pixel][-NEIGHBOURS:] + [i for i in good if i > pixel][:NEIGHBOURS]
        weight = [1 / (abs(i - pixel) ** 3 * error[row, i] ** 2) for i in near]
        distance = [1 / abs(i - pixel) ** 3 for i in near]
        assert new_flux[row, pixel] == pytest.approx(np.average(flux[row, near], weights=weight))
        assert new_error[row, pixel] == pytest.approx(np.sqrt(sum(distance) / sum(weight)))
    np.testing.assert_array_equal(new_flux[~missing], flux[~missing])
    np.testing.assert_array_equal(new_error[~missing], error[~missing])


def test_a_filled_pixel_in_a_line_follows_the_line():
    pixel = np.arange(100)
    line = 1 - 0.6 * np.exp(-0.5 * ((pixel - 50) / 3.0) ** 2)
    for gap in range(40, 60):
        flux, missing = line[None].copy(), (pixel == gap)[None]
        flux[missing] = np.nan
        fill(flux, np.full((1, 100), 0.1), missing)
        assert abs(flux[0, gap] - line[gap]) < 0.06
