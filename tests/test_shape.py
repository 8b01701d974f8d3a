"""What a spectrum shows of itself: amplitudes against naive fits star by star, their errors, and what is flagged."""

from dataclasses import replace

import numpy as np
import pytest

from gravispec.features import shape_fit
from gravispec.features.shape import NAMES

WAVE = 8400 + 0.42725 * np.arange(800)
CENTRES = np.array([8420.0, 8455, 8500.36, 8544.44, 8580, 8610, 8664.52, 8700])
SIGMA = 0.8  # Å, of the lines
N = 1200
ALL = np.zeros(N, int)


def stars(rng, n, *, sigma=SIGMA, core=0.0, constant=0.0, slope=0.0, continuum=1.0):
    """(n, P) lines that share a depth a star, on a continuum whose slope goes with it."""
    depth = rng.uniform(0.2, 0.6, n)[:, None]
    profiles = np.exp(-0.5 * ((WAVE[:, None] - CENTRES) / sigma) ** 2) * SIGMA / sigma
    x = (WAVE - WAVE[0]) / (WAVE[-1] - WAVE[0]) - 0.5
    flux = continuum - depth * profiles.sum(axis=1)
    flux = flux + core * shape_fit.core_pixels(WAVE) * (1 - flux)
    return ((flux + constant) / (1 + constant)) * (1 + (0.3 * (depth - 0.4) + slope) * x)


@pytest.fixture(scope="module")
def noise():
    """1σ of N stars, twice as large in some pixels, S/N 30 to 150."""
    rng = np.random.default_rng(5)
    pixel = np.where(rng.uniform(size=len(WAVE)) < 0.1, 2, 1)
    return (pixel / rng.uniform(30, 150, N)[:, None]).astype(np.float32)


def noisy(flux, sigma, seed):
    return (flux + sigma * np.random.default_rng(seed).standard_normal(flux.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def shape(noise):
    """Of one cell, with the limits of N other stars."""
    train, labels = noisy(stars(np.random.default_rng(0), N), noise, 1), np.zeros(N)
    found = shape_fit.fit_shape(lambda rows: (train[rows], noise[rows]), labels, labels, WAVE)
    validation = noisy(stars(np.random.default_rng(2), N), noise, 3)
    return shape_fit.calibrated(found, *found.fit(validation, noise, ALL), ALL)


def amplitudes(shape, noise, **deviation):
    return replace(shape, floor=0 * shape.floor).fit(
        noisy(stars(np.random.default_rng(6), N, **deviation), noise, 7), noise, ALL
    )


def test_width_of_a_gaussian_line_is_exact(noise):
    """Lines of 3 Å blurred by a Gaussian of w Å: their variance grows by w², in units of BLUR²."""
    sigma, labels = noise / 100, np.zeros(N)
    train = noisy(stars(np.random.default_rng(0), N, sigma=3), sigma, 1)
    shape = shape_fit.fit_shape(lambda rows: (train[rows], sigma[rows]), labels, labels, WAVE)
    for wider in (1.0, 0.5, 0.0):
        flux = stars(np.random.default_rng(8), 50, sigma=np.hypot(3, wider))
        amplitude, _ = shape.fit(flux, sigma[:50], ALL[:50])
        assert amplitude[:, 0] == pytest.approx((wider / shape_fit.BLUR) ** 2, abs=0.03)


@pytest.mark.parametrize(
    ("name", "deviation", "expected"),
    [
        ("LINE_CORE", {"core": 0.2}, 0.2),
        ("LINE_DEPTH", {"constant": 0.25}, 0.2),
        ("SLOPE", {"slope": 0.05}, 0.05),
        ("LINE_WIDTH", {"sigma": np.hypot(SIGMA, 1.0)}, 1.0),
    ],
)
def test_amplitudes_are_those_that_were_put_in_and_are_flagged(shape, noise, name, deviation, expected):
    j = NAMES.index(name)
    amplitude, _ = amplitudes(shape, noise, **deviation)
    assert np.median(amplitude[:, j]) == pytest.approx(expected, rel=0.3)
    flux = noisy(stars(np.random.default_rng(6), N, **deviation), noise, 7)
    assert shape.flags(flux, noise, np.zeros(N), np.zeros(N))[name].mean() > 0.8


def test_errors_are_those_of_the_noise(shape, noise):
    """Of stars like the training stars z is standard normal, star by star: bright ones and faint ones alike."""
    amplitude, error = amplitudes(shape, noise)
    z, snr = amplitude / error, np.median(1 / noise, axis=1)
    for rows in (snr < 60, snr > 120):
        assert z[rows].std(axis=0) == pytest.approx(1, abs=0.15)
        assert z[rows].mean(axis=0) == pytest.approx(0, abs=0.25)


def test_false_alarms_are_those_of_the_quantiles(shape, noise):
    flux = noisy(stars(np.random.default_rng(9), N), noise, 10)
    found = shape.flags(flux, noise, np.zeros(N), np.zeros(N))
    assert list(found) == list(NAMES)
    for rows in found.values():  # 0.5 % of 1,200 are 6, of limits that 3 + 3 stars of validation lie beyond
        assert rows.sum() <= 20


def test_amplitude_is_a_weighted_fit_star_by_star(shape, noise):
    """Template of the star outside the signal, pixels weighted by the noise of the cell."""
    train = noisy(stars(np.random.default_rng(0), N), noise, 1)
    unit = np.median(noise.astype(float), axis=0)
    of_star = np.median(noise / unit, axis=1)
    mean = np.average(train, axis=0, weights=of_star**-2.0)
    signal = np.linalg.svd((train - mean) / unit / of_star[:, None], full_matrices=False)[2][: shape_fit.N_SIGNAL]
    flux = noisy(stars(np.random.default_rng(11), 5), noise[:5], 12)
    found, _ = shape.fit(flux, noise[:5], ALL[:5])
    for star, row in zip((flux - mean) / unit, found, strict=True):
        own = mean + (signal[: shape_fit.N_SCORES] @ star) @ signal[: shape_fit.N_SCORES] * unit
        for j, name in enumerate(NAMES):
            # the template of own, whose continuum is 1
            template = shape_fit.TEMPLATES[name](own[None], np.ones((1, 1)), WAVE)[0] / unit
            design = np.column_stack([template, signal.T])
            expected = np.linalg.lstsq(design, star, rcond=None)[0][0]
            assert row[j] == pytest.approx(expected, abs=0.02 + 0.02 * abs(expected)), name


def test_cells_are_of_equally_many_stars_along_two_labels(monkeypatch, noise):
    monkeypatch.setattr(shape_fit, "MIN_STARS", 300)
    rng = np.random.default_rng(0)
    T_eff, M_H, train = rng.uniform(3750, 6000, N), rng.uniform(-2, 0, N), noisy(stars(rng, N), noise, 1)
    read = []

    def reader(rows):
        read.append(rows)
        return train[rows], noise[rows]

    found = shape_fit.fit_shape(reader, T_eff, M_H, WAVE)
    assert found.cell(T_eff, M_H).tolist() == (2 * (T_eff >= np.median(T_eff)) + (np.median(M_H) <= M_H)).tolist()
    assert [rows.tolist() for rows in read] == [np.flatnonzero(found.cell(T_eff, M_H) == c).tolist() for c in range(4)]
    # a star is fitted by its own cell alone
    cell = found.cell(T_eff, M_H)
    together, _ = found.fit(train[:40], noise[:40], cell[:40])
    for i in range(40):
        assert found.fit(train[i : i + 1], noise[i : i + 1], cell[i : i + 1])[0] == pytest.approx(
            together[i : i + 1], rel=1e-3, abs=1e-4
        )


def test_what_is_no_number_is_flagged(shape, noise):
    flux = np.full((1, len(WAVE)), np.nan, np.float32)
    assert all(rows.all() for rows in shape.flags(flux, noise[:1], np.zeros(1), np.zeros(1)).values())


def test_it_is_kept_in_a_file(shape, tmp_path):
    shape.save(tmp_path / "shape.npz")
    again = type(shape).load(tmp_path / "shape.npz")
    for name, values in vars(shape).items():
        np.testing.assert_array_equal(getattr(again, name), values)
