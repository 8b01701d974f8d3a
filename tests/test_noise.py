"""Noise: a pure function of (seed, split, level, row), and standard normal."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from gravispec.errors import InputError
from gravispec.spectra.noise import add_noise, check_error
from gravispec.spectra.streams import generator, stream_entropy

N, P = 60, 500
RNG = np.random.default_rng(11)
FLUX = RNG.uniform(0.2, 1.1, (N, P)).astype(np.float32)
ERROR = RNG.uniform(0.05, 0.4, (N, P)).astype(np.float32)


def noisy(rows=None, *, level=0.2, seed=3, split="train"):
    rows = np.arange(N) if rows is None else np.asarray(rows)
    return add_noise(FLUX[rows], ERROR[rows], level=level, seed=seed, split=split, rows=rows)


def deviations(n, n_pixels, **stream):
    ones = np.ones((n, n_pixels), dtype=np.float32)
    stream = {"level": 1.0, "seed": 3, "split": "train"} | stream
    return add_noise(0 * ones, ones, rows=np.arange(n), **stream)


@pytest.mark.parametrize("chunk", [1, 7, 60])
def test_bytes_do_not_depend_on_chunks_or_threads(chunk):
    parts = [np.arange(N)[i : i + chunk] for i in range(0, N, chunk)]
    with ThreadPoolExecutor(4) as pool:
        threaded = np.concatenate(list(pool.map(noisy, parts)))
    assert threaded.tobytes() == noisy().tobytes()


def test_order_of_rows_does_not_matter():
    order = np.random.default_rng(0).permutation(N)
    assert noisy(order).tobytes() == noisy()[order].tobytes()


def test_is_flux_plus_level_times_error_times_the_row_s_normal_draw():
    row = 41
    draw = generator(stream_entropy(seed=3, keys=("noise", "train", 0.2)), row=row).standard_normal(P, dtype=np.float32)
    expected = FLUX[row] + 0.2 * ERROR[row].astype(float) * draw
    np.testing.assert_allclose(noisy([row])[0], expected, rtol=0, atol=1e-6)


def test_deviations_are_standard_normal():
    z = deviations(250, 4000).ravel().astype(float)  # 1e6 draws
    assert abs(z.mean()) < 4e-3  # four standard errors: 1 / sqrt(1e6)
    assert abs(z.var() - 1) < 6e-3  # sqrt(2 / 1e6)
    assert abs(stats.kurtosis(z)) < 0.02  # sqrt(24 / 1e6)
    assert stats.kstest(z, "norm").pvalue > 1e-3


def test_pixels_and_rows_are_uncorrelated():
    z = deviations(400, 400).astype(float)
    limit = 6 / np.sqrt(400)  # six sigma: none of 80,000 pairs should pass it
    for correlations in (np.corrcoef(z), np.corrcoef(z.T)):
        assert np.abs(correlations - np.eye(400)).max() < limit


@pytest.mark.parametrize(
    "other", [{"split": "test"}, {"level": 0.2}, {"level": np.nextafter(1.0, 2.0)}, {"seed": 4}, {"seed": 3 + 2**32}]
)
def test_streams_of_splits_levels_and_seeds_are_independent(other):
    z, z_other = deviations(50, 2000), deviations(50, 2000, **other)
    assert abs(np.corrcoef(z.ravel(), z_other.ravel())[0, 1]) < 4 / np.sqrt(z.size)


def test_level_0_returns_a_copy_of_the_flux():
    clean = noisy(level=0)
    assert clean.tobytes() == FLUX.tobytes()
    assert not np.shares_memory(clean, FLUX)


@pytest.mark.parametrize("bad", [0.0, -0.1, np.nan, np.inf])
def test_bad_error_is_refused_with_its_row(bad):
    error = ERROR.copy()
    error[4, 7] = bad
    with pytest.raises(InputError, match="row 104, pixel 7"):
        add_noise(FLUX, error, level=0.2, seed=3, split="train", rows=np.arange(N) + 100)
    with pytest.raises(InputError, match="sigma: row 4, pixel 7"):
        check_error(error, name="sigma")


@pytest.mark.parametrize("wrong", [{"level": -0.1}, {"level": np.nan}, {"rows": np.arange(N - 1)}, {"seed": -1}])
def test_bad_arguments_are_refused(wrong):
    with pytest.raises(InputError):
        add_noise(FLUX, ERROR, **({"level": 0.2, "seed": 3, "split": "train", "rows": np.arange(N)} | wrong))
