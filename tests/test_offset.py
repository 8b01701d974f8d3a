"""Wavelength offsets by cross-correlation, against shifts that the tests put in."""

import numpy as np
import pytest

from gravispec.errors import InputError
from gravispec.spectra.offset import wavelength_offset
from gravispec.spectra.wavelength import air_to_vacuum, vacuum_to_air

STEP = 0.42725
WAVE = 8100 + STEP * np.arange(1500)
LINES = np.array([8183.26, 8194.82, 8327.06, 8387.77, 8498.02, 8542.09, 8662.14, 8688.63])  # air
SIGMA = 1.6 / 2.3548


def spectrum(wave, centres, *, slope=3e-4):
    depth = 0.5 * np.exp(-0.5 * ((wave[:, None] - centres) / SIGMA) ** 2).sum(axis=1)
    return (1 + slope * (wave - wave.mean())) * (1 - depth)


@pytest.mark.parametrize("shift", [-12.0, -2.34, -0.3, 0.0, 0.1, 0.5, 2.34, 9.7])
def test_a_shift_is_found_to_a_fiftieth_of_a_pixel(shift):
    template = spectrum(WAVE, LINES)
    flux = spectrum(WAVE, LINES + shift, slope=-5e-4)[None]
    np.testing.assert_allclose(wavelength_offset(WAVE, flux, template), shift / STEP, atol=0.02)


def test_air_and_vacuum_are_five_pixels_apart():
    flux = np.stack([spectrum(WAVE, LINES), spectrum(WAVE, air_to_vacuum(LINES)), spectrum(WAVE, vacuum_to_air(LINES))])
    offset = wavelength_offset(WAVE, flux, flux[1])
    np.testing.assert_allclose(offset, [-5.4, 0, -10.8], atol=0.15)


def test_noise_gaps_and_a_scale_do_not_matter():
    rng = np.random.default_rng(3)
    shift = rng.uniform(-3, 3, 40)
    clean = np.array([spectrum(WAVE, LINES + s) for s in shift])
    noisy = 1e-17 * (clean + rng.normal(0, 0.1, clean.shape))  # S/N 10 a pixel
    noisy[:, 300:310] = np.nan
    templates = np.tile(spectrum(WAVE, LINES), (40, 1))
    assert np.abs(wavelength_offset(WAVE, noisy, templates) - shift / STEP).max() < 0.5


def test_what_cannot_be_measured_is_nan():
    flux = np.stack([np.ones(len(WAVE)), np.full(len(WAVE), np.nan), np.zeros(len(WAVE))])
    assert np.isnan(wavelength_offset(WAVE, flux, spectrum(WAVE, LINES))).all()


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="template"):
        wavelength_offset(WAVE, np.ones((3, len(WAVE))), np.ones(7))
    with pytest.raises(InputError, match="too few"):
        wavelength_offset(WAVE[:50], np.ones((3, 50)), np.ones(50))
