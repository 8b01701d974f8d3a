"""Bad spectra among good ones have a problem; masks, velocities and wavelengths that do not fit are handled."""

import numpy as np
import pytest

from gravispec.errors import InputError
from gravispec.observed.read import prepared_batches
from gravispec.spectra.wavelength import air_to_vacuum
from tests import observed_files as files
from tests.observed_files import ERRORS, FLAM, SPECTRUM, WAVE, pixel_means, refused


def test_partial_overlap_is_filled_up_to_a_fifth(tmp_path):
    few, many = slice(0, 700), slice(0, 600)
    arrays = (WAVE + 0.2, pixel_means(WAVE + 0.2), ERRORS)
    (batch,) = prepared_batches(files.plain_hdf5(tmp_path / "a.h5", *(a[few] for a in arrays)), WAVE)
    assert batch.problem[0] == ""
    assert batch.filled[0, 700:].all()
    assert not batch.filled[0, 1:700].any()
    np.testing.assert_allclose(batch.flux[0, 710:], batch.flux[0, 690:699].mean(), rtol=0.01)
    (batch,) = prepared_batches(files.plain_hdf5(tmp_path / "a.h5", *(a[many] for a in arrays)), WAVE)
    assert batch.problem[0] == "75% of the model's pixels are measured; 80% needed"
    assert np.isnan(batch.flux).all()
    assert np.isnan(batch.error).all()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda flux, error: flux.fill(np.nan), "no pixel with a finite flux"),
        (lambda flux, error: error.fill(0), "no pixel with a finite flux and a positive error"),
        (lambda flux, error: np.negative(flux, out=flux), "median flux is not positive"),
        (lambda flux, error: error.__setitem__(33, -0.1), "1 errors are negative"),
    ],
)
def test_a_bad_spectrum_among_good_ones_is_named(tmp_path, change, problem):
    flux, error = np.tile(SPECTRUM, (3, 1)), np.tile(ERRORS, (3, 1))
    change(flux[1], error[1])
    (batch,) = prepared_batches(files.plain_hdf5(tmp_path / "a.h5", WAVE, flux, error), WAVE)
    assert batch.problem[0] == batch.problem[2] == ""
    assert problem in batch.problem[1]
    assert np.isnan(batch.flux[1]).all()
    np.testing.assert_allclose(batch.flux[[0, 2]], [SPECTRUM / np.median(SPECTRUM)] * 2, rtol=1e-6)


@pytest.mark.parametrize("kind", ["ivar", "error"])
def test_masked_pixels_are_filled_and_counted(tmp_path, kind):
    """NaN flux, an error of NaN, infinity or 0, an inverse variance of 0."""
    flux, error = SPECTRUM.copy(), ERRORS.copy()
    flux[10] = np.nan
    error[[20, 30, 31]] = np.inf, np.nan, 0
    if kind == "ivar":
        with np.errstate(divide="ignore"):
            error = np.where(error == 0, 0, error**-2)
    columns = {"wave": WAVE, "flux": flux, kind: error}
    path = files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)
    (batch,) = prepared_batches(path, WAVE)
    assert np.flatnonzero(batch.filled[0]).tolist() == [10, 20, 30, 31]
    assert np.isfinite(batch.flux).all()
    assert (batch.error > 0).all()
    np.testing.assert_allclose(batch.flux[0], SPECTRUM / np.median(SPECTRUM), atol=5e-3)


def test_velocities(tmp_path):
    beta = 120 / 299792.458
    wave = WAVE[0] - 20 + 0.4 * np.arange(1100)
    moved = pixel_means(wave / np.sqrt((1 + beta) / (1 - beta)))
    flux, error = np.stack([moved, pixel_means(wave)]), np.full((2, len(wave)), 0.02)
    expected = SPECTRUM / np.median(SPECTRUM)
    columns = {"rv": [120.0, 0.0], "other": [0.0, 120.0], "unknown": [np.nan, 0.0]}
    path = files.plain_hdf5(tmp_path / "a.h5", wave, flux, error, name=["a", "b"], **columns)
    for given in (None, "rv"):
        (batch,) = prepared_batches(path, WAVE, velocity=given)
        np.testing.assert_allclose(batch.flux, [expected] * 2, atol=1e-2)
    for given, row in (("other", 1), (120, 1), (0.0, 0)):
        (batch,) = prepared_batches(path, WAVE, velocity=given)
        assert np.abs(batch.flux[row] - expected).max() > 0.2
    refused(path, "has no column 'RadVel'", velocity="RadVel")
    with pytest.raises(InputError, match="not below the speed of light"):
        list(prepared_batches(path, WAVE, velocity=3e5))
    (batch,) = prepared_batches(path, WAVE, velocity="unknown")
    assert batch.problem[0].startswith("velocity nan km/s")
    assert batch.problem[1] == ""


def test_wavelengths_that_do_not_fit_the_model_are_reported(tmp_path):
    wave = WAVE[0] - 20 + 0.4 * np.arange(1100)
    flux = np.random.default_rng(2).normal(pixel_means(air_to_vacuum(wave)), 0.05, (4, len(wave)))
    path = files.plain_hdf5(tmp_path / "a.h5", wave, flux, np.full((4, len(wave)), 0.05))
    with pytest.warns(UserWarning, match=r"a\.h5: 4 of 4 spectra .* by -4.\d in the median; air and vacuum"):
        (batch,) = prepared_batches(path, WAVE, template=SPECTRUM)
    np.testing.assert_allclose(batch.offset, -2.3 / 0.5, atol=0.3)
    (batch,) = prepared_batches(path, WAVE, template=SPECTRUM, medium="air")
    np.testing.assert_allclose(batch.offset, 0, atol=0.2)
