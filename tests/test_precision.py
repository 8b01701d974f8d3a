"""What single precision costs: the same experiment with flux, errors and noise in float64."""

import numpy as np
import pytest

from benchmarks.spectra import NOISE_LEVEL, QUICK, SEED, make_grid
from gravispec.evaluation.cells import scores
from gravispec.models.ridge import ridge_cv
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import median_normalised, row_median
from gravispec.spectra.observing import error_of, error_parameters
from gravispec.spectra.sampling import sample_stars
from gravispec.spectra.streams import generator, stream_entropy

N = {"train": 1500, "test": 500}


@pytest.fixture(scope="module")
def grid():
    return make_grid(QUICK)[0]


def noisy_single(grid, stars, split):
    """As the pipeline makes it: float32 from the interpolation on."""
    clean = median_normalised(grid(stars[list(grid.axes)].to_numpy()))
    error = error_of(grid.wave, error_parameters(grid.wave, clean, stars))
    noisy = add_noise(clean, error, level=NOISE_LEVEL, seed=SEED, split=split, rows=np.arange(len(stars)))
    return noisy / row_median(noisy)[:, None]


def noisy_double(grid, stars, split):
    """The same in float64, with the same normal deviates."""
    coefficients = grid.coefficients(stars[list(grid.axes)].to_numpy())
    clean = median_normalised(np.exp(coefficients @ grid.basis.components + grid.basis.mean))
    error = error_of(grid.wave, error_parameters(grid.wave, clean, stars)).astype(float)
    entropy = stream_entropy(seed=SEED, keys=("noise", split, float(NOISE_LEVEL)))
    deviates = [generator(entropy, row=row).standard_normal(len(grid.wave), np.float32) for row in range(len(stars))]
    noisy = clean + NOISE_LEVEL * error * np.array(deviates, float)
    return noisy / row_median(noisy)[:, None]


def test_single_precision_moves_log_g_by_less_than_a_thousandth_dex(grid):
    log_g = {}
    stars = {split: sample_stars(n, split=split, seed=SEED) for split, n in N.items()}
    for noisy in (noisy_single, noisy_double):
        X = {split: noisy(grid, rows, split) for split, rows in stars.items()}
        fit = ridge_cv(
            [(X["train"], stars["train"]["log_g"].to_numpy())], N["train"], alphas=np.logspace(-2, 4, 7), seed=SEED
        )
        log_g[noisy] = fit.predict(X["test"])
    single, double = log_g.values()
    true = stars["test"]["log_g"]
    assert not np.array_equal(single, double)  # they were computed apart
    assert np.abs(single - double).max() < 1e-3
    assert abs(scores(true, single)["r2"] - scores(true, double)["r2"]) < 1e-4
