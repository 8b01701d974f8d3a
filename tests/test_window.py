"""Gate features against a loop that follows the definition, and bins against the edges of method.md section 6."""

import numpy as np
import pytest

from gravispec.errors import InputError
from gravispec.features.window import N_COMPONENTS, NAMES, WINDOWS, features, line_features
from gravispec.models.bins import Bins, one_hot
from gravispec.models.pca import Pca

BINS = Bins([3750, 4500, 5250, 6000], [-2, -1, 0, 0.5])


def test_line_features_follow_their_definition():
    rng = np.random.default_rng(3)
    wave = np.arange(8100.0, 8750.0, 0.43)
    flux = 1 + 0.1 * rng.normal(size=(4, len(wave)))
    features = line_features(wave, flux)
    for star in range(4):
        expected = []
        for low, high in WINDOWS.values():
            pixels = list(zip(wave, flux[star], strict=True))
            sideband = [f for w, f in pixels if low - 15 <= w < low or high < w <= high + 15]
            line = [f for w, f in pixels if low <= w <= high]
            c = np.median(sideband)
            expected += [1 - min(line) / c, sum(1 - f / c for f in line) * 0.43]
        expected.append(expected[1] + expected[3] + expected[5])
        np.testing.assert_allclose(features[star], expected, rtol=1e-9)


def test_a_gaussian_line_gives_its_width_and_depth():
    wave = np.arange(8100.0, 8750.0, 0.05)
    flux = 1 - 0.6 * np.exp(-0.5 * ((wave - 8542.5) / 1.5) ** 2)
    depth, width = line_features(wave, flux[None])[0, 2:4]
    assert depth == pytest.approx(0.6, abs=1e-3)
    assert width == pytest.approx(0.6 * 1.5 * np.sqrt(2 * np.pi), rel=1e-3)


def test_pixels_that_miss_a_window_are_refused():
    wave = np.arange(8400.0, 8750.0, 0.43)
    with pytest.raises(InputError, match="NaI8190"):
        line_features(wave, np.ones((1, len(wave))))


def test_thirteen_features_with_the_scores_last():
    wave = np.arange(8100.0, 8750.0, 0.43)
    flux = np.random.default_rng(0).normal(1, 0.1, (6, len(wave)))

    pixels = Pca(np.zeros(len(wave)), np.eye(len(wave))[:7], np.ones(7), 7.0)  # the scores are the first pixels
    computed = features(flux, wave, pixels)
    assert computed.shape == (6, 13)
    assert len(NAMES) == 13
    np.testing.assert_allclose(computed[:, -N_COMPONENTS:], flux[:, :4], rtol=1e-6)


@pytest.mark.parametrize(
    ("T_eff", "M_H", "expected"),
    [
        (3750, -2, 0),
        (4499.9, -0.01, 1),
        (4500, -1, 4),
        (4500, 0, 5),
        (6000, 0.5, 8),
        (5250, -2, 6),
        (3749.9, 0, -1),
        (6000.1, 0, -1),
        (5000, -2.01, -1),
        (5000, 0.51, -1),
    ],
)
def test_bins_are_half_open_and_the_last_one_is_closed(T_eff, M_H, expected):
    assert BINS.of([T_eff], [M_H])[0] == expected


def test_one_hot_is_zero_for_uncovered_stars():
    np.testing.assert_array_equal(one_hot([1, -1], 3), [[0, 1, 0], [0, 0, 0]])


def test_beta_1_2_covers_the_published_share_of_stars():
    from gravispec.spectra.sampling import sample_stars

    stars = sample_stars(100_000, split="test", seed=5)
    covered = BINS.of(stars["T_eff"], stars["M_H"]) >= 0
    # method.md section 1: 81.6 %; binomial error 0.12 %
    assert covered.mean() == pytest.approx(0.816, abs=0.005)
