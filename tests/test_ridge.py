"""Ridge by streamed moments against scikit-learn's GridSearchCV(Ridge) on the same folds."""

import io
import pickle
import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from threadpoolctl import threadpool_limits

from gravispec.errors import InputError
from gravispec.models import moments, ridge, shrinkage
from gravispec.models.moments import Moments, fold_moments, fold_of_row, pool
from gravispec.models.ridge import ALPHAS, RidgeFit, ridge_cv, ridge_from_moments

SEED = 7


@pytest.fixture(autouse=True)
def one_thread():
    """Faster than many on matrices this small."""
    with threadpool_limits(1):
        yield


def spectra(n, n_pixels, *, noise=0.1, seed=0):
    """Flux near 1 with a few dips that follow hidden labels; the first of them, not known well, is the target."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(-1, 1, (n, 4))
    lines = rng.normal(0, 0.05, (4, n_pixels))
    X = 1 + labels @ lines + noise * rng.normal(size=(n, n_pixels))
    return X.astype(np.float32), 3 + labels[:, 0] + 0.5 * rng.normal(size=n)


def chunked(X, y, size):
    return ((X[i : i + size], y[i : i + size]) for i in range(0, len(y), size))


def grid_search(X, y, alphas=ALPHAS):
    folds = KFold(5, shuffle=True, random_state=SEED)
    search = GridSearchCV(Ridge(), {"alpha": alphas}, scoring="neg_mean_squared_error", cv=folds)
    return search.fit(X.astype(float), y)


def check_agrees(fit, search, *, mse_rtol=1e-8):
    """Same alpha, coefficients to 1e-6 of the largest, intercept, mean MSE of every alpha."""
    best = search.best_estimator_
    assert fit.alpha == search.best_params_["alpha"]
    np.testing.assert_allclose(fit.coef, best.coef_, rtol=0, atol=1e-6 * np.abs(best.coef_).max())
    np.testing.assert_allclose(fit.intercept, best.intercept_, rtol=1e-8)
    np.testing.assert_allclose(fit.cv_mse, -search.cv_results_["mean_test_score"], rtol=mse_rtol)


@pytest.mark.parametrize(
    ("n", "n_pixels"),
    [(600, 80), (303, 200), (160, 128), (129, 128), (128, 128), (127, 128), (60, 128), (50, 150)],
    ids=lambda size: str(size),
)
def test_agrees_with_grid_search(n, n_pixels):
    """Primal and dual, and training folds on either side of n = P (160 rows: 128 to train)."""
    X, y = spectra(n, n_pixels)
    fit = ridge_cv(chunked(X, y, 50), n, seed=SEED)
    assert ALPHAS.min() < fit.alpha < ALPHAS.max()
    check_agrees(fit, grid_search(X, y))
    assert fit.n == n


def test_primal_and_dual_are_the_same_fit():
    X, y = spectra(100, 128)
    dual = ridge_cv(chunked(X, y, 30), 100, seed=SEED)
    primal = ridge_from_moments(fold_moments(chunked(X, y, 30), 100, n_folds=5, seed=SEED))
    assert primal.alpha == dual.alpha
    np.testing.assert_allclose(primal.coef, dual.coef, rtol=0, atol=1e-9 * np.abs(dual.coef).max())
    np.testing.assert_allclose(primal.cv_mse, dual.cv_mse, rtol=1e-9)


@pytest.mark.parametrize("n", [200, 70])
def test_blocks_move_nothing(monkeypatch, n):
    """Blocks smaller than the data, and not a divisor of it, as in real runs."""
    X, y = spectra(n, 100)
    monkeypatch.setattr(ridge, "BLOCK", 32)
    monkeypatch.setattr(moments, "BLOCK", 48)
    check_agrees(ridge_cv(chunked(X, y, 35), n, seed=SEED), grid_search(X, y))


@pytest.mark.parametrize("n", [300, 90])
def test_chunk_size_moves_nothing(monkeypatch, n):
    monkeypatch.setattr(moments, "BLOCK", 64)
    X, y = spectra(n, 100)
    one, *others = [ridge_cv(chunked(X, y, size), n, seed=SEED) for size in (n, 37, 1)]
    for other in others:
        assert other.alpha == one.alpha
        np.testing.assert_array_equal(other.coef, one.coef)
        np.testing.assert_array_equal(other.cv_mse, one.cv_mse)


def test_offset_of_one_and_tiny_noise():
    """Flux of 1 with variations of 1e-4, near the resolution of float32: centring must not cancel."""
    rng = np.random.default_rng(3)
    y = rng.normal(4, 1, 400)
    X = (1 + 1e-4 * (np.outer(y, rng.normal(size=64)) + rng.normal(size=(400, 64)))).astype(np.float32)
    alphas = np.logspace(-9, 1, 11)
    check_agrees(ridge_cv(chunked(X, y, 64), 400, alphas=alphas, seed=SEED), grid_search(X, y, alphas))


def test_collinear_and_constant_pixels():
    for n in (250, 50):
        X, y = spectra(n, 90)
        X[:, 10:20] = X[:, 20:30]
        X[:, 40:60] = 1.0
        fit = ridge_cv(chunked(X, y, 64), n, seed=SEED)
        check_agrees(fit, grid_search(X, y))
        np.testing.assert_allclose(fit.coef[10:20], fit.coef[20:30], rtol=0, atol=1e-9)
        np.testing.assert_allclose(fit.coef[40:60], 0, atol=1e-12)


def test_predict():
    X, y = spectra(200, 60)
    fit = ridge_cv(chunked(X, y, 100), 200, seed=SEED)
    np.testing.assert_allclose(fit.predict(X), grid_search(X, y).predict(X.astype(float)), rtol=1e-9)


def test_folds_are_those_of_kfold():
    fold = fold_of_row(23, 5, SEED)
    for k, (_, held_out) in enumerate(KFold(5, shuffle=True, random_state=SEED).split(np.zeros(23))):
        np.testing.assert_array_equal(np.flatnonzero(fold == k), held_out)


@pytest.mark.parametrize("n_pixels", [6, 7])
def test_moments_of_parts_pool_to_those_of_all(n_pixels):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(5, 0.1, (40, n_pixels)), rng.normal(2, 3, (40, 2))
    parts = [Moments.empty(n_pixels, 2) for _ in range(3)]
    for part, rows in zip(parts, (slice(3), slice(3, 17), slice(17, 40)), strict=True):
        part.add(X[rows][:2], Y[rows][:2])
        part.add(X[rows][2:], Y[rows][2:])
    total = pool(parts)
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    assert total.n == 40
    np.testing.assert_allclose(total.mean_x, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(total.mean_y, Y.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(np.tril(total.scatter), np.tril(x.T @ x), atol=1e-14)
    np.testing.assert_allclose(total.xy, x.T @ y, atol=1e-12)
    np.testing.assert_allclose(total.yy, y.T @ y, rtol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 34, 64, 65, 66, 150])
def test_shrinkage_path_solves_every_system(monkeypatch, n):
    """Sizes around one and two widths of the band; only the lower triangle is read."""
    monkeypatch.setattr(shrinkage, "BAND", 32)
    monkeypatch.setattr(shrinkage, "TILE", 20)
    rng = np.random.default_rng(n)
    X, B, alphas = rng.normal(size=(n + 5, n)), rng.normal(size=(n, 2)), np.array([1e-4, 1.0, 1e3])
    A = X.T @ X
    lower = np.asfortranarray(np.where(np.tri(n, dtype=bool), A, np.nan))
    W = shrinkage.shrinkage_path(lower, B, alphas)
    for i, alpha in enumerate(alphas):
        expected = np.linalg.solve(A + alpha * np.eye(n), B)
        np.testing.assert_allclose(W[:, i], expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_shrinkage_path_is_the_same_on_any_number_of_threads():
    """A BLAS that shares products among threads rounds differently; tiles that are shared do not."""
    rng = np.random.default_rng(4)
    A, B = rng.normal(size=(700, 700)), rng.normal(size=(700, 2))
    A = np.asfortranarray(A @ A.T)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, "blas"):
            found.append(shrinkage.shrinkage_path(A.copy(order="F"), B, np.logspace(0, 3, 4)))
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("n", [200, 40])
def test_edge_of_the_grid_warns(n):
    X, y = spectra(n, 60)
    with pytest.warns(UserWarning, match=r"alpha = 1e-12 is at the edge of its grid 1e-12 \.\.\. 1e\+06"):
        ridge_cv(chunked(X[:, :3], y, 50), n, alphas=[1e-12, 1e6], seed=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ridge_cv(chunked(X, y, 50), n, alphas=[1e-6, 0.1, 1e6], seed=SEED)
        ridge_cv(chunked(X, y, 50), n, alphas=[10.0], seed=SEED)


@pytest.mark.parametrize("n", [200, 40])
def test_bad_rows_are_named(n):
    X, y = spectra(n, 60)
    for value in (np.nan, np.inf):
        bad = X.copy()
        bad[33, 5] = value
        with pytest.raises(InputError, match=r"row 33 .*flux in pixel 5 is not finite"):
            ridge_cv(chunked(bad, y, 10), n, seed=SEED)
    bad = y.copy()
    bad[21] = np.nan
    with pytest.raises(InputError, match=r"row 21 .*target is not finite"):
        ridge_cv(chunked(X, bad, 10), n, seed=SEED)


@pytest.mark.parametrize("n", [200, 40])
def test_lengths_that_do_not_match(n):
    X, y = spectra(n, 60)
    with pytest.raises(InputError, match=r"rows from 0: flux .* a row a target"):
        ridge_cv([(X, y[:-1])], n, seed=SEED)
    with pytest.raises(InputError, match="rows from 20: flux"):
        ridge_cv([(X[:20], y[:20]), (X[20:, 1:], y[20:])], n, seed=SEED)
    for announced in (n - 1, n + 1):
        with pytest.raises(InputError, match=f"{n} rows came where {announced} were announced"):
            ridge_cv(chunked(X, y, 10), announced, seed=SEED)
    with pytest.raises(InputError, match=f"0 rows came where {n} were announced"):
        ridge_cv([], n, seed=SEED)


def test_fewer_rows_than_folds():
    X, y = spectra(4, 10)
    with pytest.raises(InputError, match="4 stars in 5 folds"):
        ridge_cv([(X, y)], 4, seed=SEED)


@pytest.mark.parametrize("n", [400, 70])
def test_several_targets_are_the_fits_of_each(n):
    X, y = spectra(n, 90)
    vague = 5000 * (y + 8 * np.random.default_rng(1).normal(size=n))  # asks for another alpha
    Y = np.stack([y, vague, -y], axis=1)
    fit = ridge_cv(chunked(X, Y, 64), n, seed=SEED)
    assert fit.coef.shape == (90, 3)
    for t in range(3):
        one = ridge_cv(chunked(X, Y[:, t], 64), n, seed=SEED)
        assert fit.alpha[t] == one.alpha
        np.testing.assert_allclose(fit.coef[:, t], one.coef, rtol=0, atol=1e-9 * np.abs(one.coef).max())
        np.testing.assert_allclose(fit.intercept[t], one.intercept, rtol=1e-9)
        np.testing.assert_allclose(fit.cv_mse[:, t], one.cv_mse, rtol=1e-8)
        np.testing.assert_allclose(fit.predict(X)[:, t], one.predict(X), rtol=1e-8)
    assert fit.alpha[0] != fit.alpha[1]
    np.testing.assert_array_equal(fit.first().predict(X), X @ fit.coef[:, 0] + fit.intercept[0])
    with pytest.raises(InputError, match="row 7"):
        ridge_cv([(X, np.where(np.arange(n)[:, None] == [7, -1, 7], np.nan, Y))], n, seed=SEED)


@pytest.mark.parametrize("n", [200, 40])
def test_alpha_below_rounding(n):
    X, y = spectra(n, 60)
    with pytest.raises(InputError, match="alpha = 1e-16 is lost in rounding: start the grid above"):
        ridge_cv([(X, y)], n, alphas=[1e-16, 1.0], seed=SEED)


def test_save_and_load(tmp_path):
    X, y = spectra(100, 30)
    fit = ridge_cv([(X, y)], 100, seed=SEED)
    fit.save(tmp_path / "fit.npz")
    buffer = io.BytesIO()
    fit.save(buffer)
    assert buffer.getvalue() == (tmp_path / "fit.npz").read_bytes()
    loaded = RidgeFit.load(tmp_path / "fit.npz")
    assert (loaded.intercept, loaded.alpha, loaded.n) == (fit.intercept, fit.alpha, fit.n)
    for name in ("coef", "alphas", "cv_mse"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fit, name))


def test_load_refuses_what_is_not_a_fit(tmp_path):
    fit = RidgeFit(np.zeros(3), 0.0, 1.0, np.ones(1), np.ones(1), 5)
    pickled, raw, other = tmp_path / "pickled.npz", tmp_path / "raw.npz", tmp_path / "other.npz"
    np.savez(pickled, **(vars(fit) | {"coef": np.array([{"a": 1}], dtype=object)}))
    raw.write_bytes(pickle.dumps(fit))
    np.savez(other, coef=fit.coef)
    for path in (pickled, raw, other):
        with pytest.raises(InputError, match=f"{path.name}: not a saved RidgeFit"):
            RidgeFit.load(path)
