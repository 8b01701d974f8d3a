"""Grid of models: order, compression, splines against naive references, and the error on real models."""

import itertools

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, make_interp_spline

from gravispec.errors import InputError
from gravispec.spectra.grid import GridInterpolator, fit_basis, shard
from gravispec.spectra.normalise import median_normalised, row_median
from gravispec.spectra.splines import TensorSpline, degree, nodes

AXES = {"T_eff": np.linspace(3750, 6000, 7), "log_g": np.linspace(1, 5, 5), "M_H": np.linspace(-2.5, 0.75, 6)}
WAVE = 8400 + 0.5 * np.arange(300)


def analytic_flux(labels):
    """(n, P) smooth family: a continuum with a colour and saturating lines that depend on all labels."""
    unit = (labels - [3750, 1, -2.5]) / [2250, 4, 3.25]
    lines = np.random.default_rng(2).uniform([8400, -1, -1, -1], [8550, 1, 1, 1], (12, 4))
    strength = np.exp(unit @ lines[:, 1:].T)
    profiles = np.exp(-0.5 * ((WAVE - lines[:, :1]) / 1.5) ** 2)
    continuum = np.exp(13 + 2 * unit[:, :1] + (0.3 - 0.2 * unit[:, :1]) * (WAVE - 8475) / 75)
    return continuum * np.exp(-strength @ profiles)


@pytest.fixture(scope="module")
def grid():
    return GridInterpolator(AXES, fit_basis(analytic_flux(nodes(AXES)), tolerance=1e-6), wave=WAVE)


def random_labels(n, seed=4):
    low, high = np.array([(values[0], values[-1]) for values in AXES.values()]).T
    return np.random.default_rng(seed).uniform(low, high, (n, len(AXES)))


def rms(flux, reference):
    return np.sqrt(((median_normalised(flux) - median_normalised(reference)) ** 2).mean(axis=1))


def leave_one_out_error(grid):
    """Interpolation error at grid models that the spline has not seen.

    For every axis and every inner node of it, all models with that value are dropped, the spline along the axis is
    fitted again to the rest, and the dropped models are compared with their prediction. At the nodes of the other axes
    a tensor-product spline equals its spline along the one axis, so this is the error of the whole interpolator with
    that plane missing. The gap is twice the grid's spacing: where the spline converges as the fourth power of the
    spacing, the error of the full grid between its nodes is about 16 times smaller.

    Returns:
        name of the axis -> (n_inner, n_models / n_nodes) rms over the pixels of the median-normalised flux.
        An axis of two nodes has n_inner = 0.
    """
    shape = tuple(len(positions) for positions in grid.axes.values())
    by_node = grid.basis.coefficients.reshape(*shape, -1)
    return {
        name: np.array(
            [_plane_error(grid, positions, np.moveaxis(by_node, i, 0), j) for j in range(1, len(positions) - 1)]
        )
        for i, (name, positions) in enumerate(grid.axes.items())
    }


def _plane_error(grid, positions, by_node, j):
    """rms (n_models / n_nodes,) of the models at positions[j], predicted from those at the other positions."""
    rest = np.delete(np.arange(len(positions)), j)
    predicted = make_interp_spline(positions[rest], by_node[rest], k=degree(len(rest)))(positions[j])
    flat = (c.reshape(-1, c.shape[-1]) for c in (by_node[j], predicted))
    true, predicted = (median_normalised(np.exp(c @ grid.basis.components + grid.basis.mean)) for c in flat)
    return np.sqrt(((predicted - true) ** 2).mean(axis=1))


def test_nodes_are_in_the_order_of_nested_loops():
    np.testing.assert_array_equal(nodes(AXES), list(itertools.product(*AXES.values())))


@pytest.mark.parametrize(("n_models", "n_shards"), [(1260, 20), (17, 5), (4, 4)])
def test_shards_cover_every_model_once(n_models, n_shards):
    shards = [shard(n_models, i, n_shards) for i in range(n_shards)]
    assert [row for rows in shards for row in rows] == list(range(n_models))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("n_pixels", [50, 51])
def test_row_median_is_numpy_s(n_pixels):
    values = np.random.default_rng(0).normal(size=(20, n_pixels)).astype(np.float32)
    np.testing.assert_array_equal(row_median(values), np.median(values, axis=1))


def test_median_normalised_has_median_1_and_no_negative_flux():
    flux = np.random.default_rng(0).normal(1, 1, (20, 101)).astype(np.float32)
    clean = median_normalised(flux)
    np.testing.assert_allclose(np.median(clean, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(clean, np.clip(flux / np.median(flux, axis=1, keepdims=True), 0, None), rtol=1e-6)
    assert clean.dtype == np.float32


@pytest.mark.parametrize("every", [1, 3])
def test_basis_is_a_truncated_singular_value_decomposition(every):
    """210 models on 300 pixels, and on 100."""
    flux = analytic_flux(nodes(AXES))[:, ::every]
    basis = fit_basis(flux, tolerance=1e-3)
    K = len(basis.components)
    variation = np.log(flux) - np.log(flux).mean(axis=0)
    left, singular, right = np.linalg.svd(variation, full_matrices=False)
    best = (left[:, :K] * singular[:K]) @ right[:K]
    np.testing.assert_allclose(basis.coefficients @ basis.components, best, atol=1e-9)
    np.testing.assert_allclose(basis.components @ basis.components.T, np.eye(K), atol=1e-8)
    left_out = np.sqrt(((variation - best) ** 2).mean(axis=1))
    one_less = np.sqrt(((variation - (left[:, : K - 1] * singular[: K - 1]) @ right[: K - 1]) ** 2).mean(axis=1))
    assert left_out.max() <= 1e-3 < one_less.max()


def test_basis_in_the_memory_of_the_flux_is_the_same():
    flux = analytic_flux(nodes(AXES))
    basis = fit_basis(flux)
    again = fit_basis(flux, overwrite=True)
    np.testing.assert_allclose(flux.mean(axis=0), 0, atol=1e-12)  # it is the log flux less its mean now
    for name in ("mean", "components", "coefficients"):
        np.testing.assert_array_equal(getattr(again, name), getattr(basis, name))


def test_nodes_are_reproduced(grid):
    models = nodes(AXES)
    assert rms(grid(models), analytic_flux(models)).max() < 1e-5


def test_agrees_with_a_naive_spline_of_every_pixel(grid):
    """Cubic splines of the log flux one axis after the other, star by star."""
    models = np.log(analytic_flux(nodes(AXES))).reshape(*map(len, AXES.values()), -1)
    for star in random_labels(15):
        value = models
        for positions, label in zip(AXES.values(), star, strict=True):
            value = CubicSpline(positions, value, axis=0, bc_type="not-a-knot")(label)
        np.testing.assert_allclose(grid(star[None])[0], np.exp(value), rtol=2e-5)


def test_is_close_to_the_truth_between_nodes(grid):
    labels = random_labels(200)
    assert rms(grid(labels), analytic_flux(labels)).max() < 1e-3


def test_rows_hardly_depend_on_the_number_of_rows(grid):
    labels = random_labels(64)
    one_by_one = np.concatenate([grid(star[None]) for star in labels])
    np.testing.assert_allclose(grid(labels), one_by_one, rtol=1e-5)
    assert one_by_one.dtype == np.float32


@pytest.mark.parametrize("n_nodes", [(6,), (4, 2), (3, 4, 2, 5)])
def test_any_number_of_axes_and_of_nodes(n_nodes):
    """A tensor-product spline of degree min(3, n - 1) reproduces polynomials of that degree along each axis."""
    axes = {f"label_{i}": np.cumsum(np.linspace(1, 2, n)) for i, n in enumerate(n_nodes)}
    rng = np.random.default_rng(8)
    coefficients = [rng.normal(size=min(3, n - 1) + 1) for n in n_nodes]

    def polynomial(labels):
        return np.prod([np.polyval(c, labels[:, i]) for i, c in enumerate(coefficients)], axis=0)

    low, high = np.array([(values[0], values[-1]) for values in axes.values()]).T
    labels = rng.uniform(low, high, (50, len(n_nodes)))
    spline = TensorSpline.through(axes, polynomial(nodes(axes))[:, None])
    np.testing.assert_allclose(spline(labels)[:, 0], polynomial(labels), rtol=1e-9, atol=1e-9)


def test_saved_grid_gives_the_same_flux(grid, tmp_path):
    grid.save(tmp_path / "grid.npz")
    loaded = GridInterpolator.load(tmp_path / "grid.npz")
    labels = random_labels(20)
    assert list(loaded.axes) == list(AXES)
    np.testing.assert_array_equal(loaded.wave, WAVE)
    assert loaded(labels).tobytes() == grid(labels).tobytes()


@pytest.mark.parametrize(("column", "value"), [(0, 3749.9), (1, 5.01), (2, np.nan)])
def test_labels_outside_the_grid_are_refused(grid, column, value):
    labels = random_labels(5)
    labels[3, column] = value
    name, positions = list(AXES.items())[column]
    with pytest.raises(InputError, match=rf"star 3: {name} = {value}.*{positions[0]} to {positions[-1]}"):
        grid(labels)


def test_wrong_shapes_and_models_are_refused(grid):
    with pytest.raises(InputError, match="T_eff, log_g, M_H"):
        grid(random_labels(5)[:, :2])
    flux = analytic_flux(nodes(AXES))
    with pytest.raises(InputError, match="209 models"):
        GridInterpolator(AXES, fit_basis(flux[:-1]), wave=WAVE)
    flux[17, 5] = 0
    with pytest.raises(InputError, match="model 17"):
        fit_basis(flux)


def test_leave_one_out_error_is_that_of_a_grid_without_the_plane(grid):
    errors = leave_one_out_error(grid)
    assert {name: values.shape for name, values in errors.items()} == {
        "T_eff": (5, 30), "log_g": (3, 42), "M_H": (4, 35)
    }  # fmt: skip
    models = nodes(AXES)
    dropped = models[:, 1] == AXES["log_g"][2]
    rest = AXES | {"log_g": np.delete(AXES["log_g"], 2)}
    smaller = GridInterpolator(rest, fit_basis(analytic_flux(models[~dropped]), tolerance=1e-6), wave=WAVE)
    expected = rms(smaller(models[dropped]), analytic_flux(models[dropped]))
    np.testing.assert_allclose(errors["log_g"][1], expected, rtol=0.02, atol=2e-6)


@pytest.mark.slow
def test_real_models_are_reproduced_and_interpolated():
    """Node reproduction < 1e-3 rms, and small errors between the nodes, on synthetic spectra around Ca II 8542."""
    from gravispec.spectra.instrument import fine_wave, observe
    from gravispec.spectra.lte.synthesis import synthesize

    wave = 8515.0 + 0.42725 * np.arange(140)
    fine = fine_wave(wave, 1.6)

    def models(labels):
        return observe(fine, np.array([synthesize(*star, wave=fine)[0] for star in labels]), wave, 1.6)

    # The spacing of the production grid in the corner with its largest errors: cool, metal-poor dwarfs
    axes = {
        "T_eff": np.arange(3750.0, 4751, 250),
        "log_g": np.arange(3.0, 5.1, 0.5),
        "M_H": np.arange(-2.5, -1.7, 0.25),
    }
    flux = models(nodes(axes))
    grid = GridInterpolator(axes, fit_basis(flux), wave=wave)
    assert rms(grid(nodes(axes)), flux).max() < 1e-3
    between = np.random.default_rng(1).uniform([3750, 3, -2.5], [4750, 5, -1.75], (30, 3))
    error = rms(grid(between), models(between))
    assert np.median(error) < 5e-4
    assert error.max() < 2e-3  # 5e-4 measured
    assert all(values.max() < 1e-2 for values in leave_one_out_error(grid).values())  # 5e-3 measured, twice the spacing
