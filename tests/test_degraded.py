"""Spectra that are sharper than the model, those without errors, and windows of sky."""

import numpy as np
import pytest

from gravispec.observed.degrade import degraded, kernel_sigma
from gravispec.observed.read import prepared_batches
from gravispec.observed.resample import MEASURED, resample
from gravispec.spectra.instrument import FWHM_PER_SIGMA, pixel_edges
from tests import observed_files as files

FWHM = 1.6  # Å, of the model
WAVE = 8450 + 0.42725 * np.arange(420)


def rebinned(flux, error, bad, wave, fwhm):
    """On the model's pixels, as wide as the model's lines."""
    n = len(flux)
    sigma = kernel_sigma(wave, np.full((n, 1), fwhm), FWHM)
    wide = degraded(flux.astype("f4"), error.astype("f4"), bad, wave, sigma)
    return resample(*wide, wave, WAVE, np.ones(n), effective=True)


@pytest.mark.parametrize(("step", "fwhm"), [(0.4, 1.35), (0.1, 0.73), (0.33, 1.2), (0.5, 1.0)])
def test_a_line_is_as_wide_as_the_models_and_keeps_its_place_and_its_area(step, fwhm):
    """Of lines of 1 Å on pixels of 0.5 Å those are 1.3 % too wide, of others 0.9 % and less."""
    wave = np.arange(8440, 8640, step)
    line = np.exp(-0.5 * ((wave - 8540.13) / (fwhm / FWHM_PER_SIGMA)) ** 2)[None]
    flux = rebinned(line, np.ones_like(line), np.zeros(line.shape, bool), wave, fwhm)[0][0]
    centre = (flux * WAVE).sum() / flux.sum()
    variance = (flux * (WAVE - centre) ** 2).sum() / flux.sum()
    of_pixel = np.diff(WAVE[:2])[0] ** 2 / 12
    assert np.sqrt(variance - of_pixel) * FWHM_PER_SIGMA == pytest.approx(FWHM, rel=0.015)
    assert centre == pytest.approx(8540.13, abs=0.01)
    assert flux.sum() * 0.42725 == pytest.approx(line.sum() * step, rel=1e-3)


@pytest.mark.parametrize(("step", "fwhm"), [(0.4, 1.35), (0.1, 0.73), (0.33, 1.2), (0.5, 1.0)])
def test_white_noise_says_no_more_than_before(step, fwhm):
    """χ² of means over 20 pixels is 1 within 10 %, that of pixels is smaller, and Σ 1/σ² is that of the file."""
    n, wave = 3000, np.arange(8440, 8640, step)
    rng = np.random.default_rng(5)
    sigma = rng.uniform(0.2, 0.4, len(wave)) * np.ones((n, 1))
    flux, error, missing = rebinned(rng.normal(0, sigma), sigma, np.zeros(sigma.shape, bool), wave, fwhm)
    assert not missing.any()
    means, variance = flux.reshape(n, -1, 20).mean(axis=2), np.square(error).reshape(n, -1, 20).sum(axis=2) / 400
    assert (means**2 / variance).mean() == pytest.approx(1, abs=0.1)
    assert (flux**2 / error**2).mean() < 0.45
    inside = (wave > WAVE[0]) & (wave < WAVE[-1])
    assert (error[0] ** -2.0).sum() == pytest.approx((sigma[0, inside] ** -2.0).sum(), rel=0.15)


def test_convolution_over_gaps_equals_the_naive_one():
    rng = np.random.default_rng(2)
    wave = np.stack([8000 + np.cumsum(rng.uniform(0.3, 0.5, 90)) for _ in range(2)])
    flux, error, bad = rng.normal(1, 0.3, wave.shape), rng.uniform(0.1, 0.2, wave.shape), rng.random(wave.shape) < 0.2
    bad[0, 40:52] = True
    flux[bad] = np.nan
    sigma = np.linspace(0.4, 0.6, 90) * np.ones((2, 1))
    sigma[1, 50:] = 0  # as wide as the model's already
    new = degraded(flux.astype("f4"), error.astype("f4"), bad, wave, sigma)
    for row in range(2):
        width = np.diff(pixel_edges(wave[row]))
        for j in range(90):
            weight = width * np.exp(-0.5 * ((wave[row] - wave[row, j]) / sigma[row, j]) ** 2) if sigma[row, j] else None
            weight = np.eye(90)[j] if weight is None else weight / weight.sum()
            good = ~bad[row]
            covered = weight[good].sum()
            if abs(covered - MEASURED) > 1e-3:
                assert new[2][row, j] == (covered < MEASURED)
            if covered > MEASURED + 1e-3:
                assert new[0][row, j] == pytest.approx(weight[good] @ flux[row, good] / covered, abs=2e-3)
                expected = np.sqrt(weight[good] @ error[row, good] ** 2) / covered
                assert new[1][row, j] == pytest.approx(expected, rel=2e-3)


def one(path, **options):
    (batch,) = prepared_batches(path, WAVE, model_fwhm=FWHM, **options)
    return batch


def lines_of(fwhm, n=3):
    """Spectra (n, Q) of lines of this width, and their pixels."""
    wave, centres = np.arange(8430, 8660, 0.2), np.arange(8440, 8650, 7.3)
    depth = np.exp(-0.5 * ((wave[:, None] - centres) / (fwhm / FWHM_PER_SIGMA)) ** 2).sum(axis=1)
    return wave, np.tile(1 - 0.5 * depth / fwhm, (n, 1))


def test_the_width_is_an_option_or_a_column_as_fwhm_or_resolving_power(tmp_path):
    wave, flux = lines_of(0.8)
    wanted = np.interp(WAVE, *(values[0] if values.ndim == 2 else values for values in lines_of(FWHM)))
    error, columns = np.full(flux.shape, 0.01), {"width": [0.8, np.nan, 1.6], "power": [8550 / 0.8, -1, 8550 / 1.6]}
    path = files.plain_hdf5(tmp_path / "a.h5", wave, flux, error, **columns)
    np.testing.assert_allclose(one(path, fwhm=0.8).flux * np.median(wanted), np.tile(wanted, (3, 1)), atol=0.008)
    np.testing.assert_allclose(one(path, R=8550 / 0.8).flux, one(path, fwhm=0.8).flux, atol=0.004)
    for option in ({"fwhm": "width"}, {"R": "power"}):
        found, before = one(path, **option), one(path)
        np.testing.assert_allclose(found.flux[0], one(path, fwhm=0.8).flux[0], atol=0.004)
        # of one R lines at 8450 Å are sharper than at 8550 Å
        np.testing.assert_allclose(found.flux[1:], before.flux[1:], atol=1e-6 if "fwhm" in option else 0.02)
        np.testing.assert_allclose(found.fwhm, [0.8, np.nan, 1.6], rtol=0.01)
        assert found.has_width
        assert not before.has_width


def test_spectra_without_errors_are_given_some(tmp_path):
    wave, flux = lines_of(FWHM)
    arrays = {"wave": np.tile(wave, (3, 1)), "flux": flux * 7e-16, "QUALITY": [50.0, np.nan, 200.0]}
    path = files.table(tmp_path / "a.fits", arrays, units={"wave": "Angstrom", "flux": files.FLAM}, VACUUM=True)
    files.refused(path, "has no errors")
    given = one(path, error=0.02)
    np.testing.assert_allclose(given.error.mean(axis=1), 0.02 * np.sqrt(0.2 / 0.42725), rtol=0.3)
    found = one(path, error="quality")
    assert found.problem.tolist() == ["", "S/N nan is not above 0", ""]
    np.testing.assert_allclose(found.error[[0, 2]], given.error[[0, 2]] * [[1], [0.25]], rtol=1e-3)


def test_windows_are_where_the_telescope_has_them_and_count_as_not_measured(tmp_path):
    wave, flux = lines_of(FWHM)
    path = files.plain_hdf5(tmp_path / "a.h5", wave, flux, np.full(flux.shape, 0.01), rv=[0.0, 200.0, -200.0])
    found = one(path, windows=((8500, 8540), (8600, 8602)), least=0.15)
    assert (found.problem == "").all()
    for row, velocity in enumerate((0, 200, -200)):
        missing = WAVE[found.filled[row] & (WAVE < 8560)]
        np.testing.assert_allclose(missing[[0, -1]], np.array([8500, 8540]) * (1 - velocity / 299792.458), atol=0.5)
    everything = one(path, windows=((8000, 9000),), least=0.15)
    assert all("0% of the model's pixels are measured; 15% needed outside" in why for why in everything.problem)
