"""Wavelengths in air and vacuum; line spread function and pixels."""

import numpy as np
import pytest

from gravispec.errors import InputError
from gravispec.spectra.instrument import FWHM_PER_SIGMA, fine_wave, observe, pixel_edges, response
from gravispec.spectra.wavelength import air_to_vacuum, vacuum_to_air

PIXELS = 8400.0 + 0.42725 * np.arange(700)
FWHM = 1.6


def test_published_vacuum_wavelengths():
    # SDSS table of lines: H alpha and the Ca II triplet
    air = np.array([6562.80, 8498.02, 8542.09, 8662.14])
    np.testing.assert_allclose(air_to_vacuum(air), [6564.61, 8500.36, 8544.44, 8664.52], atol=0.01)


def test_air_vacuum_round_trip():
    wave = np.linspace(4000.0, 10000.0, 500)
    np.testing.assert_allclose(vacuum_to_air(air_to_vacuum(wave)), wave, atol=1e-4)


def test_narrow_line_keeps_its_flux_and_gets_the_width_of_the_instrument():
    wave = fine_wave(PIXELS, FWHM)
    line = np.exp(-0.5 * ((wave - 8550.03) / 0.08) ** 2)
    seen = observe(wave, line, PIXELS, FWHM)
    size = np.diff(pixel_edges(PIXELS))
    assert (seen * size).sum() == pytest.approx(np.trapezoid(line, wave), rel=1e-5)
    mean = np.average(PIXELS, weights=seen)
    assert mean == pytest.approx(8550.03, abs=1e-3)
    variance = np.average((PIXELS - mean) ** 2, weights=seen)
    assert variance == pytest.approx((FWHM / FWHM_PER_SIGMA) ** 2 + 0.42725**2 / 12 + 0.08**2, rel=2e-3)


def test_constant_spectrum_stays_and_shapes_are_kept():
    wave = fine_wave(PIXELS, FWHM)
    flux = np.ones((2, 3, wave.size)) * np.arange(1, 4)[:, None]
    seen = observe(wave, flux, PIXELS, FWHM)
    assert seen.shape == (2, 3, PIXELS.size)
    np.testing.assert_allclose(seen, np.broadcast_to(np.arange(1.0, 4.0)[:, None], seen.shape), rtol=1e-12)


def test_matches_convolution_by_brute_force():
    rng = np.random.default_rng(3)
    wave = fine_wave(PIXELS[:40], FWHM, step=0.02)
    flux = 1.0 - 0.5 * rng.random(wave.size)
    edges, sigma = pixel_edges(PIXELS[:40]), FWHM / FWHM_PER_SIGMA
    dense = np.array([0.5 * (edges[20] + edges[21]) + 0.42725 * (k + 0.5 - 50) / 100 for k in range(100)])
    kernel = np.exp(-0.5 * ((wave - dense[:, None]) / sigma) ** 2)
    naive = (kernel @ flux / kernel.sum(axis=1)).mean()
    assert observe(wave, flux, PIXELS[:40], FWHM)[20] == pytest.approx(naive, rel=1e-4)


def test_a_part_of_the_pixels_sees_the_same():
    wave = fine_wave(PIXELS, FWHM)
    part = fine_wave(PIXELS[300:], FWHM)
    np.testing.assert_allclose(part, wave[-part.size :], atol=1e-9)
    flux = 1.0 + 0.3 * np.sin(wave)
    seen = observe(wave, flux, PIXELS, FWHM)[300:]
    np.testing.assert_allclose(observe(part, flux[-part.size :], PIXELS[300:], FWHM), seen, rtol=1e-6)


def test_bad_input():
    wave = fine_wave(PIXELS, FWHM)
    with pytest.raises(InputError, match="fine_wave"):
        response(wave[400:], PIXELS, FWHM)
    with pytest.raises(InputError, match="fwhm"):
        response(wave, PIXELS, 0.0)
    with pytest.raises(InputError, match="wave_pixels"):
        response(wave, PIXELS[::-1], FWHM)
