"""Error arrays: published S/N, scalings, and no trace of the lines or of log_g."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gravispec.errors import InputError
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.observing import (
    SIGNAL_SCALE,
    band_wavelength,
    error_arrays,
    reference_electrons,
    signal_factor,
    spectral_slope,
)
from gravispec.spectra.sampling import sample_stars
from gravispec.spectra.splines import nodes

WAVE = 7100.2136 + 0.42725 * np.arange(4096)
REFERENCE = {"mag": 21.5, "seeing": 1.0, "zenith_angle": 22.5, "field_angle": 0.325}
CA_TRIPLET = np.array([8500.36, 8544.44, 8664.52])  # Å, vacuum


def stars_at(**conditions):
    return pd.DataFrame(REFERENCE | {name: np.atleast_1d(values) for name, values in conditions.items()})


def flat_ab(n, wave=WAVE):
    return np.repeat(median_normalised((wave**-2.0)[None]).astype(np.float32), n, axis=0)


def triplet_star(width):
    """Flat f_ν with the Ca II triplet of equivalent width `width`, Å, in each line (Lorentzian, mostly saturated)."""
    gamma = 1.5
    depth = np.sum(width / np.pi * gamma / ((WAVE[:, None] - CA_TRIPLET) ** 2 + gamma**2), axis=1)
    return median_normalised(WAVE[None] ** -2.0 * np.exp(-depth)).astype(np.float32)


@pytest.fixture(scope="module")
def training_stars():
    """4,000 stars of the training set's distributions, with real synthetic spectra from a coarse grid."""
    from gravispec.spectra.instrument import fine_wave, observe
    from gravispec.spectra.lte.synthesis import synthesize

    axes = {"T_eff": np.linspace(3750, 6000, 4), "log_g": np.linspace(1, 5, 4), "M_H": np.linspace(-2.5, 0.75, 3)}
    fine = fine_wave(WAVE, 1.6)
    models = observe(fine, np.array([synthesize(*star, wave=fine)[0] for star in nodes(axes)]), WAVE, 1.6)
    stars = sample_stars(3000, split="train", seed=9)
    flux = median_normalised(GridInterpolator(axes, fit_basis(models), wave=WAVE)(stars[list(axes)].to_numpy()))
    error, snr = error_arrays(WAVE, flux, stars)
    return flux, stars, error, snr


# pfs_mr_noise.md: mag and published median S/N per pixel (5-95 % over the pixels) of a flat AB source
PUBLISHED = [
    (18.0, 87.4, 40.5, 94.8),
    (20.0, 24.0, 7.1, 27.4),
    (21.5, 7.1, 1.8, 8.4),
    (22.0, 4.6, 1.1, 5.5),
    (22.5, 3.0, 0.7, 3.5),
]


@pytest.mark.parametrize(("mag", "median", "low", "high"), PUBLISHED)
def test_signal_to_noise_by_magnitude(mag, median, low, high):
    flux = flat_ab(1)
    error, snr = error_arrays(WAVE, flux, stars_at(mag=mag))
    assert snr[0] == pytest.approx(median, rel=0.15)
    assert np.quantile(flux / error, 0.5) == pytest.approx(median, rel=0.15)
    assert np.quantile(flux / error, [0.05, 0.95]) == pytest.approx([low, high], rel=0.15)


def test_signal_to_noise_of_the_training_set(training_stars):
    snr = training_stars[3]
    assert np.median(snr) == pytest.approx(8.2, rel=0.15)
    assert np.quantile(snr, [0.05, 0.95]) == pytest.approx([3.7, 17.2], rel=0.30)


def test_snr_is_that_of_the_arrays(training_stars):
    """S/N is defined on the star's line in f_ν; the median of flux / error differs by a few per cent."""
    flux, _, error, snr = training_stars
    np.testing.assert_allclose(np.median(flux / error, axis=1), snr, rtol=0.06)


def test_seeing_factors_are_those_of_the_calculator():
    stars = stars_at(seeing=[0.5, 0.75, 1.0, 1.25, 1.5])
    published = np.array([1.91, 1.39, 1.0, 0.735, 0.549])
    np.testing.assert_allclose(signal_factor(stars, seeing_exponent=1), published, rtol=0.015)
    np.testing.assert_allclose(signal_factor(stars), np.sqrt(published), rtol=0.01)


@pytest.mark.parametrize(
    ("column", "values", "published"),
    [("zenith_angle", [0, 22.5, 45], [5.74, 5.59, 5.07]), ("field_angle", [0, 0.325, 0.65], [6.45, 5.59, 4.53])],
)
def test_angles_change_the_signal_to_noise_as_published(column, values, published):
    _, snr = error_arrays(WAVE, flat_ab(3), stars_at(**{column: values}))
    np.testing.assert_allclose(snr / snr[1], np.array(published) / published[1], rtol=0.015)


def test_error_is_the_closed_form_for_a_straight_source():
    """flux / error = S / √(S + B), S ∝ 10^(−0.4 (mag − 21.5)) f_ν(λ) / f_ν(AB), for sources straight in f_ν."""
    stars = stars_at(mag=[20.5, 21.5, 22.5])
    f_nu = 1 + np.array([[-2e-4], [0], [3e-4]]) * (WAVE - band_wavelength(WAVE))
    flux = f_nu / WAVE**2
    flux /= flux[:, [len(WAVE) // 2]]
    signal, background = reference_electrons(WAVE)
    S = SIGNAL_SCALE * signal * 10 ** (-0.4 * np.array([[-1], [0], [1]])) * f_nu
    error, snr = error_arrays(WAVE, flux.astype(np.float32), stars)
    np.testing.assert_allclose(flux / error, S / np.sqrt(S + background), rtol=1e-4)
    np.testing.assert_allclose(snr, np.median(flux / error, axis=1), rtol=1e-4)


def test_pixels_of_double_width_collect_the_same_electrons():
    pairs = WAVE.reshape(-1, 2).mean(axis=1)
    for fine, broad in zip(reference_electrons(WAVE), reference_electrons(pairs), strict=True):
        np.testing.assert_allclose(broad, fine.reshape(-1, 2).sum(axis=1), rtol=2e-3)


def test_part_of_the_pixels_has_the_electrons_of_the_whole():
    part = WAVE > 7900
    for whole, alone in zip(reference_electrons(WAVE), reference_electrons(WAVE[part]), strict=True):
        np.testing.assert_allclose(alone, whole[part], rtol=1e-9)


def test_slope_and_band_wavelength_of_a_straight_line():
    centre = band_wavelength(WAVE)
    inside = WAVE[(WAVE >= 6950) & (WAVE <= 8500)]
    assert centre == pytest.approx(len(inside) / np.sum(1 / inside))
    slopes = np.array([-2e-4, 0, 3e-4])
    flux = (1 + slopes[:, None] * (WAVE - centre)) / WAVE**2
    np.testing.assert_allclose(spectral_slope(WAVE, median_normalised(flux), centre=centre), slopes, atol=1e-9)


def test_lines_leave_no_imprint():
    """The Ca II triplet, 12 Å of absorption, changes no error by more than 1 %."""
    flux = np.concatenate([triplet_star(0.0), triplet_star(4.0)])
    assert 1 - flux[1].min() / flux[0].min() > 0.5
    for mag in (20.5, 22.5):
        error, snr = error_arrays(WAVE, flux, stars_at(mag=[mag, mag]))
        ratio = error[1].astype(float) / error[0]
        assert np.abs(ratio - 1).max() < 0.01  # a running mean over 50 Å would give 0.016
        assert snr[1] == pytest.approx(snr[0], rel=0.01)


def held_out_r2(X, y):
    fit = slice(0, len(y) * 2 // 3)
    test = slice(fit.stop, None)
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-6, 4, 11)))
    return model.fit(X[fit], y[fit]).score(X[test], y[test])


def test_error_magnitude_and_snr_do_not_predict_log_g(training_stars):
    flux, stars, error, snr = training_stars
    log_g = stars["log_g"].to_numpy()
    for array in (error, np.log(error)):
        assert held_out_r2(np.column_stack([array[:, ::16], stars["mag"], snr]), log_g) < 0.05
    # The same regression does read log_g where the array carries the lines, so the bound means something
    assert held_out_r2(np.column_stack([error[:, ::16] * flux[:, ::16], stars["mag"], snr]), log_g) > 0.5


def test_chunks_give_the_same_errors(training_stars):
    flux, stars, error, snr = training_stars
    parts = [error_arrays(WAVE, flux[i : i + 7], stars[i : i + 7]) for i in range(0, 70, 7)]
    np.testing.assert_allclose(np.concatenate([part[0] for part in parts]), error[:70], rtol=1e-5)
    np.testing.assert_allclose(np.concatenate([part[1] for part in parts]), snr[:70], rtol=1e-5)
    assert error.dtype == snr.dtype == np.float32


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="noise table"):
        reference_electrons(WAVE + 100)
    with pytest.raises(InputError, match="increasing"):
        reference_electrons(WAVE[::-1])
    with pytest.raises(InputError, match="HSC i"):
        band_wavelength(WAVE[WAVE > 8550])
    with pytest.raises(InputError, match="2 stars"):
        error_arrays(WAVE, flat_ab(3), stars_at(mag=[21.0, 22.0]))
    steep = flat_ab(2)
    steep[1] *= np.linspace(1, 0, len(WAVE)) ** 4
    with pytest.raises(InputError, match="row 1"):
        error_arrays(WAVE, steep, stars_at(mag=[21.0, 22.0]))
