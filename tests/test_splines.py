"""Labels beside the axes of a grid: polynomials, their design, and the priors that follow other labels."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gravispec.errors import InputError
from gravispec.spectra.emulator import emulation_error, fit_emulator
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.priors import LabelPrior
from gravispec.spectra.sampling import drawn_stars, sample_stars
from gravispec.spectra.splines import Others, models, nodes

AXES = {"T_eff": np.linspace(4000, 6000, 5), "log_g": np.linspace(1, 5, 4), "M_H": np.linspace(-2, 0, 4)}
FEWER = {"T_eff": np.linspace(4000, 6000, 4), "log_g": np.linspace(1, 5, 3), "M_H": np.linspace(-2, 0, 2)}
OTHERS = Others({"a_M": (-0.2, 0.5), "N_M": (-0.4, 0.9)}, 3, FEWER, 32)
LOW, HIGH = np.array([(4000, 6000), (1, 5), (-2, 0), (-0.2, 0.5), (-0.4, 0.9)], float).T
P = 80
LABELS = {
    "T_eff": {"low": 4000, "high": 6000},
    "log_g": {"low": 1.0, "high": 5.0},
    "M_H": {"low": -2.0, "high": 0.0},
    "a_M": {"low": -0.2, "high": 0.5, "mean": {"M_H": [[-1.0, 0.3], [0.0, 0.1]]}, "scatter": 0.08},
    "N_M": {
        "low": -0.4,
        "high": 0.9,
        "mean": {"log_g": [[3.4, 0.25], [3.8, 0.0]], "M_H": [[-2, 0.1], [0, 0.0]]},
        "scatter": {"log_g": [[3.4, 0.22], [3.8, 0.12]]},
    },
    "mag": {"low": 20.0, "high": 22.0},
    "beta": 1.2,
}


def log_flux(labels):
    """(n, P), of degree 3 along the axes and in the others; the terms of the others are of degree 2, 2, 1 in θ."""
    h = 2 * (labels - LOW) / (HIGH - LOW) - 1
    rng = np.random.default_rng(3)
    of_axes = np.column_stack([h[:, 0] ** 3, h[:, 1] ** 2, h[:, 2], h[:, 0] * h[:, 1] * h[:, 2] ** 2])
    a, n = h[:, 3], h[:, 4]
    of_others = np.column_stack([a, n, a * n * h[:, 0] ** 2, n**3 * h[:, 1] ** 2, a**2 * n * h[:, 2]])
    return 0.1 * np.column_stack([of_axes, of_others]) @ rng.normal(size=(9, P)) + np.linspace(0, 0.3, P)


@pytest.fixture(scope="module")
def grid():
    basis = fit_basis(np.exp(log_flux(models(AXES, OTHERS))), OTHERS, tolerance=1e-7)
    return GridInterpolator(AXES, basis, wave=8400.0 + np.arange(P), others=OTHERS)


def uniform(n, seed=1):
    return np.random.default_rng(seed).uniform(LOW, HIGH, (n, 5))


def test_models_are_the_nodes_at_the_centre_and_a_design_at_each_of_the_fewer_nodes():
    found = models(AXES, OTHERS)
    n = len(nodes(AXES))
    np.testing.assert_array_equal(found[:n, :3], nodes(AXES))
    np.testing.assert_allclose(found[:n, 3:], np.tile([0.15, 0.25], (n, 1)))
    design = found[n:].reshape(24, 33, 5)
    np.testing.assert_array_equal(design[:, 0, :3], nodes(FEWER))
    np.testing.assert_allclose(design[:, :, 3:], np.tile(design[0, :, 3:], (24, 1, 1)))
    np.testing.assert_allclose(design[0, 0, 3:], [0.15, 0.25])
    assert (found >= LOW).all()
    assert (found <= HIGH).all()


def test_polynomials_whose_coefficients_are_splines_are_reproduced(grid):
    labels = uniform(300)
    np.testing.assert_allclose(np.log(grid(labels)), log_flux(labels), atol=2e-6)


def test_a_grid_with_others_is_read_as_it_was_written(grid, tmp_path):
    grid.save(tmp_path / "grid.npz")
    again = GridInterpolator.load(tmp_path / "grid.npz")
    assert again.names == ["T_eff", "log_g", "M_H", "a_M", "N_M"]
    assert again(uniform(20)).tobytes() == grid(uniform(20)).tobytes()


def test_labels_outside_the_ranges_of_the_others_are_refused(grid):
    labels = uniform(4)
    labels[2, 4] = 0.95
    with pytest.raises(InputError, match=r"star 2: N_M = 0.95 is outside the grid, -0.4 to 0.9"):
        grid(labels)


def test_the_emulator_has_the_others_too(grid):
    """The flux of a polynomial is none: within a tenth of what the others do to it."""
    labels = uniform(200)
    missed = emulation_error(fit_emulator(grid, 40), grid, labels)
    centred = np.hstack([labels[:, :3], np.tile(OTHERS.centre, (200, 1))])
    effect, here = (flux / flux.mean(axis=1, keepdims=True) for flux in (grid(centred), grid(labels)))
    assert np.median(missed) < 0.1 * np.median(np.sqrt(np.square(here - effect).mean(axis=1)))


def test_labels_follow_others_as_their_prior_says():
    """Standardised deviates are normal, and the density is that of the draws: cut at the range, of integral 1."""
    names = list(LABELS)[:5]
    stars = drawn_stars(20_000, labels=LABELS, names=names, split="train", seed=1)
    mean = np.interp(stars["M_H"], [-1, 0], [0.3, 0.1])
    low, high = (-0.2 - mean) / 0.08, (0.5 - mean) / 0.08
    uniform = (stats.norm.cdf((stars["a_M"] - mean) / 0.08) - stats.norm.cdf(low)) / (
        stats.norm.cdf(high) - stats.norm.cdf(low)
    )
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    giants, dwarfs = stars[stars["log_g"] < 3.3], stars[stars["log_g"] > 3.9]
    assert giants["N_M"].mean() - dwarfs["N_M"].mean() == pytest.approx(0.25, abs=0.02)
    assert dwarfs["N_M"].std() == pytest.approx(np.hypot(0.12, 0.05 / np.sqrt(3)), abs=0.01)
    prior = LabelPrior({name: LABELS[name] for name in names}, 1.2)
    star = stars[names].to_numpy()[:1]
    grid = np.linspace(-0.2, 0.5, 701)
    theta = np.tile(star, (701, 1))
    theta[:, 3] = grid
    density = np.exp(prior.log_density(theta) - prior.log_density(star))
    expected = stats.norm.pdf(grid, mean[0], 0.08) / stats.norm.pdf(star[0, 3], mean[0], 0.08)
    np.testing.assert_allclose(density, expected, rtol=1e-6)
    theta[:, 3] = 0.51
    assert (prior.log_density(theta) == -np.inf).all()


def test_labels_that_follow_do_not_change_the_others_and_not_with_the_number_of_stars():
    plain = {"T_eff", "log_g", "M_H", "mag", "seeing"}
    names = list(LABELS)[:5]
    stars = drawn_stars(500, labels=LABELS, names=names, split="test", seed=2)
    later = drawn_stars(500, labels=LABELS, names=names, split="test", seed=2, first=400)
    pd.testing.assert_frame_equal(later, stars.iloc[400:].reset_index(drop=True))
    same = sample_stars(500, split="test", seed=2)[["seeing", "zenith_angle"]]
    pd.testing.assert_frame_equal(stars[["seeing", "zenith_angle"]], same)
    assert plain < set(stars.columns)


def test_carbon_is_that_of_alpha_and_of_carbon_to_oxygen():
    labels = LABELS | {"C_O": {"low": -0.8, "high": 0.1, "mean": {"a_M": [[-0.2, 0.0], [0.5, -0.5]]}, "scatter": 0.1}}
    stars = drawn_stars(300, labels=labels, names=["T_eff", "log_g", "M_H", "a_M", "C_O"], split="test", seed=2)
    np.testing.assert_allclose(stars["C_M"], stars["a_M"] + stars["C_O"])
    assert np.corrcoef(stars["a_M"], stars["C_O"])[0, 1] < -0.4
