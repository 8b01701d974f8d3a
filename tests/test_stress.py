"""Perturbations of spectra, each against a naive computation or published numbers."""

import numpy as np
import pandas as pd
import pytest

from gravispec.errors import InputError
from gravispec.spectra import stress
from gravispec.spectra.instrument import fine_wave, observe
from gravispec.spectra.observing import NOISE_CSV, error_arrays, reference_electrons
from gravispec.spectra.stress import extinction

WAVE = 7900 + 0.42725 * np.arange(1000)
FWHM = 1.6


def fine_spectra(fine, *, n=3, seed=2, stretch=1.0):
    """(n, F) continuum with 60 narrow lines each, at wavelengths multiplied by ``stretch``; on ``fine`` (F,) Å."""
    rng = np.random.default_rng(seed)
    flux = np.ones((n, len(fine)))
    for row in flux:
        for centre, depth in zip(rng.uniform(7890, 8340, 60), rng.uniform(0.05, 0.7, 60), strict=True):
            row *= 1 - depth * np.exp(-0.5 * ((fine / stretch - centre) / 0.15) ** 2)
    return flux


@pytest.fixture(scope="module")
def fine():
    return fine_wave(WAVE, 2 * FWHM)


@pytest.fixture(scope="module")
def flux(fine):
    return observe(fine, fine_spectra(fine), WAVE, FWHM)


@pytest.mark.parametrize("velocity", [10.0, -10.0, 300.0])
def test_velocity_shifts_the_lines(fine, flux, velocity):
    expected = observe(fine, fine_spectra(fine, stretch=1 + velocity / 299_792.458), WAVE, FWHM)
    inside = slice(25, -25)  # at the ends the shifted lines come from beyond
    found = stress.shifted(flux, WAVE, velocity)
    assert found[:, inside] == pytest.approx(expected[:, inside], abs=2e-3)
    assert np.abs(found - flux).max() > 0.02


def test_a_shift_there_and_back_is_none(flux):
    back = stress.shifted(stress.shifted(flux, WAVE, 10), WAVE, -10)
    assert back[:, 5:-5] == pytest.approx(flux[:, 5:-5], abs=2e-3)


@pytest.mark.parametrize("factor", [1.1, 0.9])
def test_resolution_is_that_of_another_spectrograph(fine, flux, factor):
    expected = observe(fine, fine_spectra(fine), WAVE, FWHM / factor)
    found = stress.resolved(flux, WAVE, FWHM, factor)
    inside = slice(20, -20)
    assert found[:, inside] == pytest.approx(expected[:, inside], abs=1e-3)
    assert np.abs(expected - flux).max() > 10e-3


def test_resolution_on_uneven_pixels(fine):
    wave = np.exp(np.linspace(np.log(WAVE[0]), np.log(WAVE[-1]), 900))
    one, other = (observe(fine, fine_spectra(fine), wave, fwhm) for fwhm in (FWHM, FWHM / 0.9))
    found = stress.resolved(one, wave, FWHM, 0.9)
    assert found[:, 20:-20] == pytest.approx(other[:, 20:-20], abs=1e-3)


def test_sharpening_of_a_wide_line_spread_function_does_not_blow_up_rounding():
    flux = 1 + 1e-7 * np.random.default_rng(0).normal(size=(2, 1000)).astype(np.float32)
    assert stress.resolved(flux, WAVE, 20.0, 1.1) == pytest.approx(1, abs=1e-5)


def test_resolution_needs_the_line_spread_function(flux):
    with pytest.raises(InputError, match="give fwhm"):
        stress.resolved(flux, WAVE, None, 1.1)


@pytest.mark.parametrize("vsini", [10.0, 60.0])
def test_rotation_is_the_sum_over_the_disc(vsini):
    """Every patch of a limb-darkened disc sends a shifted spectrum; their sum, seen by the spectrograph."""
    fine = np.arange(7880, 8350, 0.05)
    still = fine_spectra(fine, n=1)
    x, y = np.meshgrid(*[(np.arange(61) - 30) / 30.5] * 2)
    disc = x**2 + y**2 < 1
    brightness = 1 - stress.LIMB_DARKENING * (1 - np.sqrt(1 - x[disc] ** 2 - y[disc] ** 2))
    total = np.zeros_like(fine)
    for column in np.unique(x):
        weight = brightness[x[disc] == column].sum()
        total += weight * np.interp(fine / (1 + vsini * column / 299_792.458), fine, still[0])
    expected = observe(fine, total / brightness.sum(), WAVE, FWHM)
    found = stress.rotated(observe(fine, still, WAVE, FWHM), WAVE, vsini)[0]
    inside = slice(20, -20)
    assert found[inside] == pytest.approx(expected[inside], abs=1.5e-3)


def test_convolutions_keep_a_constant_and_the_area_of_a_line(flux):
    flat = np.ones((1, 1000))
    for blur in (lambda f: stress.rotated(f, WAVE, 30), lambda f: stress.resolved(f, WAVE, FWHM, 0.9)):
        assert blur(flat) == pytest.approx(1, abs=1e-9)
        line = flat - 0.5 * np.exp(-0.5 * ((WAVE - 8100) / 1.0) ** 2)
        assert (1 - blur(line)).sum() == pytest.approx((1 - line).sum(), rel=1e-4)


def test_extinction_is_that_of_the_published_table():
    """Cardelli, Clayton & Mathis 1989, table 3: A(λ)/A(V) of UVRIJHK, at wavelengths that are rounded; R_V = 3.1."""
    x = np.array([2.78, 1.82, 1.43, 1.11, 0.80, 0.63, 0.46])
    assert extinction(1e4 / x) == pytest.approx([1.569, 1.000, 0.751, 0.479, 0.282, 0.190, 0.114], abs=0.0025)
    # A(B) = A(V) + E(B-V), the definition of R_V
    assert extinction(np.array([1e4 / 2.27])) == pytest.approx(1 + 1 / 3.1, abs=0.002)
    # the two formulae meet at 1.1 μm⁻¹
    assert extinction(1e4 / np.array([1.0999, 1.1001]))[0] == pytest.approx(extinction(1e4 / 1.1001), abs=0.01)
    with pytest.raises(InputError, match="leaves the extinction curve"):
        extinction(np.array([2500.0, 5000.0]))


def test_dust_dims_and_reddens():
    flux = stress.reddened(np.ones((1, 3)), np.array([5494.5, 7000.0, 8800.0]), 0.3)
    assert -2.5 * np.log10(flux[0, 0]) == pytest.approx(3.1 * 0.3, abs=0.003)  # A(V) = R_V E(B-V)
    assert (np.diff(flux[0]) > 0).all()


def test_slope_is_a_line_of_10_percent():
    tilted = stress.tilted(np.ones((2, 1000)), WAVE, 0.1)
    assert tilted[:, [0, -1]] == pytest.approx(np.array([[0.95, 1.05]] * 2))
    assert np.diff(tilted, n=2) == pytest.approx(0, abs=1e-12)


@pytest.fixture(scope="module")
def observed():
    """Two thousand flat stars with PFS errors: wave, error, star's electrons."""
    stars = pd.DataFrame({"mag": np.repeat([20.5, 22.5], 1000), "seeing": 1.0, "zenith_angle": 22.5})
    stars["field_angle"] = 0.325
    wave = WAVE[:600]
    error, _ = error_arrays(wave, np.ones((2000, 600), np.float32) / wave.astype(np.float32) ** 2 * 8e3**2, stars)
    return wave, error


def test_sky_residuals_are_a_share_of_the_sky_in_sky_lines_alone(observed):
    """Back in electrons, by the star's own counts, the residuals are 5 % of the table's sky."""
    wave, error = observed
    flux = np.ones_like(error)
    residual = stress.with_sky(flux, wave, error, 0.05, seed=1, rows=np.arange(2000)) - flux
    signal, background = reference_electrons(wave)
    sky = background - 0.938 * 12 * 5 * (16 + 0.09)  # read noise and dark current of 12 exposures, 5 pixels each
    strong = sky > 3 * np.median(sky)
    assert 20 < strong.sum() < 300
    assert (residual[:, ~strong] == 0).all()
    # electrons of each star per unit of flux: error = √(S + B) / S
    for stars, mag in ((slice(0, 1000), 20.5), (slice(1000, 2000), 22.5)):
        expected = 0.05 * sky / (1.12 * signal * 10 ** (-0.4 * (mag - 21.5)))
        measured = residual[stars][:, strong].std(axis=0) / expected[strong]
        assert measured == pytest.approx(1, abs=0.15)
        assert measured.mean() == pytest.approx(1, abs=0.04)
    lines = stress.line_of_pixel(sky)
    of_first = residual[:, lines == 0] / sky[lines == 0]
    assert np.corrcoef(of_first.T).min() > 0.999  # a line is wrong as a whole


def test_sky_residuals_depend_on_seed_and_row_alone(observed):
    wave, error = observed
    flux = np.ones_like(error)
    whole = stress.with_sky(flux, wave, error, 0.05, seed=1, rows=np.arange(2000))
    part = stress.with_sky(flux[7:9], wave, error[7:9], 0.05, seed=1, rows=[7, 8])
    np.testing.assert_array_equal(whole[7:9], part)
    assert not np.allclose(whole[7:9], stress.with_sky(flux[7:9], wave, error[7:9], 0.05, seed=2, rows=[7, 8]))


def test_sky_needs_the_noise_table(observed):
    wave, error = observed
    with pytest.raises(InputError, match="leaves the noise table"):
        stress.with_sky(error, wave - 3000, error, 0.05, seed=1, rows=np.arange(2000))


def test_the_sky_of_the_noise_table_stays_above_its_read_noise():
    wave = np.loadtxt(NOISE_CSV, delimiter=",", comments="#", skiprows=5)[:, 0]
    _, background = reference_electrons(wave)
    assert (background > stress.NOT_SKY * 0.42725).all()


def test_lines_of_the_sky_are_runs_of_strong_pixels():
    sky = np.array([9.0, 9, 1, 1, 1, 9, 1, 1, 1, 9, 9])
    assert stress.line_of_pixel(sky).tolist() == [0, 0, -1, -1, -1, 1, -1, -1, -1, 2, 2]
