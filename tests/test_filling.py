"""Masked pixels: the reconstruction against dense Gaussian algebra, what a fill costs, and labels of the smoke run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from gravispec.features.reconstruct import Reconstruction, loadings
from gravispec.labels import LABELS
from gravispec.models.filling import LITTLE, N_VERSIONS, References, bridged, fill, short_gaps
from gravispec.models.flags import BITS
from gravispec.models.inference import Fitted
from gravispec.models.pca import Pca
from gravispec.models.trained import TrainedRun
from gravispec.spectra.neighbours import fill as fill_from_neighbours
from gravispec.spectra.normalise import continuum_normalised, row_median
from tests.small_run import small_run, small_tower

P, K = 120, 4


@pytest.fixture
def world():
    """Components with scores of known variance, white noise of variance 0.01 in what they were measured on."""
    rng = np.random.default_rng(2)
    components = np.linalg.qr(rng.normal(size=(P, K)))[0].T
    variance = np.array([9.0, 4.0, 1.0, 0.25])
    pca = Pca(1 + 0.1 * rng.normal(size=P), components, variance + 0.01, variance.sum() + P * 0.01)
    return rng, pca, np.sqrt(variance)[:, None] * components


def test_loadings_are_the_components_without_noise(world):
    np.testing.assert_allclose(loadings(world[1]), world[2], atol=1e-12)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])  # of the errors: also far below and above the components
def test_reconstruction_is_the_conditional_mean_of_a_dense_gaussian(world, scale):
    rng, pca, B = world
    sigma, measured = scale * rng.uniform(0.05, 0.2, P), rng.random(P) > 0.3
    flux = pca.mean + rng.normal(size=(3, K)) @ B + np.minimum(sigma, 1) * rng.normal(size=(3, P))
    operator = Reconstruction(pca.mean, B, sigma, measured)
    M, F = np.flatnonzero(measured), np.flatnonzero(~measured)
    covariance = B.T @ B + np.diag(sigma**2)
    if scale == 1:
        gain = np.linalg.solve(covariance[np.ix_(M, M)], covariance[np.ix_(M, F)]).T
        expected = pca.mean[F] + (flux[:, M] - pca.mean[M]) @ gain.T
    elif scale < 1:  # least squares
        scores = np.linalg.lstsq((B[:, M] / sigma[M]).T, ((flux - pca.mean) / sigma)[:, M].T, rcond=None)[0]
        expected = pca.mean[F] + scores.T @ B[:, F]
    else:  # nothing is known
        expected = np.broadcast_to(pca.mean[F], (3, len(F)))
    np.testing.assert_allclose(operator(flux), expected, atol=1e-9 if scale == 1 else 1e-4)
    flux[:, F] = 7
    np.testing.assert_allclose(operator(flux), expected, atol=1e-9 if scale == 1 else 1e-4)


def test_cost_is_that_of_the_dense_gaussian(world):
    """Linear labels: a change of c_F (f_F - fill) has variance c_Fᵀ Cov(F | M) c_F. 60 stars of 40 versions."""
    rng, pca, B = world
    n, sigma = 60, rng.uniform(0.05, 0.2, P)

    def draw(n):
        return pca.mean + rng.normal(size=(n, K)) @ B + sigma * rng.normal(size=(n, P))

    coef = rng.normal(size=(P, 3))
    references = draw(400)
    pool = References(references.astype(np.float32), np.full(400, 10.0))
    truth, measured = draw(n), np.tile(rng.random(P) > 0.3, (n, 1))
    flux = np.where(measured, truth, 0)
    filled, cost = fill(
        flux, np.tile(sigma, (n, 1)), measured, np.full(n, 10.0), pca=pca, references=pool,
        divisor=lambda rows: np.ones((len(rows), 1)), likeness=lambda rows: rows @ coef,
        labels=lambda rows, sigma: rows @ coef,
    )  # fmt: skip
    F = ~measured[0]
    scaled = B[:, ~F] / sigma[~F]
    scores = np.linalg.inv(np.eye(K) + scaled @ scaled.T)
    covariance = B[:, F].T @ scores @ B[:, F] + np.diag(sigma[F] ** 2)
    expected = np.sqrt(np.einsum("ft,fg,gt->t", coef[F], covariance, coef[F]))
    np.testing.assert_allclose(cost[:, :, 0].mean(axis=0), expected, rtol=0.15)
    np.testing.assert_allclose(cost[:, :, 1].mean(axis=0), 1.96 * expected, rtol=0.15)
    change = (truth - filled) @ coef
    assert np.mean(np.abs(change) <= cost[:, :, 0]) == pytest.approx(0.68, abs=0.1)
    assert np.mean(np.abs(change) <= cost[:, :, 1]) == pytest.approx(0.95, abs=0.05)
    np.testing.assert_array_equal(filled[measured], truth[measured])


def test_the_nearest_references_are_like_the_star():
    rng = np.random.default_rng(4)
    labels, snr = rng.normal(size=(500, 3)) * [1, 500, 1], rng.lognormal(3, 0.5, 500)
    near = References(np.zeros((500, 1)), snr).nearest(labels, labels[:5], snr[:5])
    assert near.shape == (5, N_VERSIONS)
    assert near[:, 0].tolist() == [0, 1, 2, 3, 4]
    few = References(np.zeros((7, 1)), np.full(7, 10.0)).nearest(labels[:7], labels[:2], np.array([1.0, np.inf]))
    assert few.shape == (2, 7)


def test_a_model_that_reads_errors_has_them_for_masked_spectra():
    """A tower with family ``error``, which asks for sigma of every version of a spectrum."""
    run = small_run(shown=("tower",))
    [level] = run.levels
    level.models["tower"] = Fitted("tower", {"families": ["ridge", "error"]}, small_tower(6))
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.05, 0.1, (4, len(run.wave))).astype(np.float32)
    flux = (1 + sigma * rng.normal(size=sigma.shape)).astype(np.float32)
    measured = rng.random(flux.shape) > 0.1
    measured[3] = True
    found = level.predict(flux, sigma, "tower", measured)
    assert (found["fill_cost"][:3] > 0).all()
    assert found["fill_cost"][3] == 0
    assert np.isfinite(found["log_g"]).all()


def test_short_gaps():
    measured = np.ones((5, 12), bool)
    for row, gaps in enumerate([[], range(4, 9), range(4, 10), [*range(5), *range(7, 12)], range(6)]):
        measured[row, list(gaps)] = False
    assert short_gaps(measured).tolist() == [True, True, False, True, False]


def test_what_neighbours_miss_is_told_from_noise(world):
    """Spectra of two sorts of S/N, whose middle pixel a line deepens that its neighbours do not see."""
    rng, n = world[0], 4000
    snr = rng.choice([5.0, 50.0], n)
    flux = 1 + rng.normal(size=(n, 20)) / snr[:, None]
    flux[:, 10] += rng.normal(size=n) * 0.3
    references = References(flux, snr)
    signal, noise = references.missed
    np.testing.assert_allclose(np.delete(noise, [7, 10, 13])[3:-3], 1.5, rtol=0.15)
    assert signal[10] == pytest.approx(0.09, rel=0.1)
    assert (np.delete(signal, [7, 10, 13]) < 0.002).all()
    measured, coef = np.ones((2, 20), bool), np.zeros((20, 3))
    measured[0, 10], measured[1, [5, 6]] = False, False
    coef[[5, 6, 10]] = [1, 2, 3]
    cost = bridged(measured, np.array([50.0, 5.0]), coef, references)[:, :, 0] / norm.ppf(0.84)
    np.testing.assert_allclose(cost[0], 0.3 * coef[10], rtol=0.1)
    np.testing.assert_allclose(cost[1], np.sqrt(2 * 1.5) / 5 * coef[5], rtol=0.1)


@pytest.fixture(scope="module")
def run(smoke):
    """The run at its one noise level."""
    [level] = TrainedRun.load(smoke.path / "results/moe_smoke/model.safetensors").levels
    return level


@pytest.fixture(scope="module")
def stars(smoke):
    """Test stars of the smoke run: their row of the predictions, noisy flux and its error."""
    table = pd.read_parquet(smoke.path / "results/moe_smoke/predictions.parquet").query("split == 'test'")
    return table.reset_index(drop=True), smoke.flux(splits=["test"]), smoke.sigma(splits=["test"])


def masked(run, flux, error, missing):
    """The catalogue of flux (m, P) without the pixels ``missing``, as from files; and before: by neighbours."""
    flux, error = np.where(missing, np.nan, flux), error.copy()
    fill_from_neighbours(flux, error, missing)
    median = row_median(flux)[:, None]
    return (run.predict(flux / median, error / median, "mlp", *mask) for mask in ([~missing], []))


def cosmics(wave, n, rng):
    """Runs of 3 pixels, 1 % of all."""
    first = rng.random((n, len(wave))) < 1 / 300
    return first | np.roll(first, 1, axis=1) | np.roll(first, 2, axis=1)


def windows(*limits):
    return lambda wave, n, rng: np.tile(np.any([(wave >= a) & (wave <= b) for a, b in limits], axis=0), (n, 1))


CORES = [(centre - 3, centre + 3) for centre in (8500.4, 8544.4, 8664.5)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mask", "shift"),
    [
        pytest.param(windows(CORES[1]), 0.05, id="8544"),
        pytest.param(windows(*CORES), 0.08, id="three cores"),
        pytest.param(windows((8480, 8580)), 0.1, id="100 Å"),
        pytest.param(lambda wave, n, rng: rng.random((n, len(wave))) < 0.04, 0.05, id="random 4 %"),
        pytest.param(cosmics, 0.03, id="cosmics"),
    ],
)  # fmt: skip
def test_masked_pixels_move_labels_within_their_intervals(run, stars, mask, shift):
    """Of 120 stars a covered share is known to 0.04: it is compared with that of the same stars without a mask."""
    table, flux, error = (part[:120] for part in stars)
    missing = mask(run.fits.wave, len(flux), np.random.default_rng(6))
    found, before = masked(run, flux, error, missing)
    whole = run.predict(flux, error, "mlp")
    moved = found["log_g"] - whole["log_g"]
    assert abs(moved.median()) < shift
    assert np.median(np.abs(moved)) <= np.median(np.abs(before["log_g"] - whole["log_g"])) + 0.01
    for label in LABELS:
        for c in (68, 95):
            inside, of_whole = (
                ((t[f"{label}_lo{c}"] <= table[label]) & (table[label] <= t[f"{label}_hi{c}"])).mean()
                for t in (found, whole)
            )
            assert inside > of_whole - 0.08, (label, c)
    assert (found["fill_cost"] > 0).all()


@pytest.mark.slow
def test_information_is_flagged_and_not_the_share_of_pixels(run, stars):
    _, flux, error = (part[:60] for part in stars)
    rng = np.random.default_rng(8)
    cores = windows(*CORES)(run.fits.wave, len(flux), rng)
    scattered = rng.random(flux.shape) < cores.mean()
    by_cores, by_scattered = (next(masked(run, flux, error, missing)) for missing in (cores, scattered))
    flagged = [(t["flags"] & BITS["MASKED"] > 0).mean() for t in (by_cores, by_scattered)]
    assert flagged[0] > 0.3  # 0.57 of 600 stars
    assert flagged[1] < 0.05
    assert by_cores["fill_cost"].median() > 2 * by_scattered["fill_cost"].median()


@pytest.mark.slow
def test_spectra_without_masks_are_as_they_were(run, stars):
    table, flux, error = (part[:20] for part in stars)
    measured = np.ones(flux.shape, bool)
    plain = run.predict(flux, error, "mlp")
    pd.testing.assert_frame_equal(run.predict(flux, error, "mlp", measured), plain)
    np.testing.assert_allclose(plain["log_g"], table["mlp"], atol=1e-6)
    assert (plain["fill_cost"] == 0).all()
    measured[7, 100:120] = False
    mixed = run.predict(flux, error, "mlp", measured)
    pd.testing.assert_frame_equal(mixed.drop(index=7), plain.drop(index=7), rtol=1e-12, atol=1e-12)
    alone = run.predict(flux[7:8], error[7:8], "mlp", measured[7:8])
    pd.testing.assert_frame_equal(mixed.loc[[7]].reset_index(drop=True), alone, rtol=1e-9)


@pytest.mark.slow
def test_a_run_on_a_running_continuum_fills_what_it_divides(run, stars):
    """The gap is as wide as the window of the continuum, which knows nothing there but the fill."""
    divided = replace(run.references, flux=continuum_normalised(run.references.flux, run.fits.wave, 100))
    fits = replace(run.fits, pca=replace(run.fits.pca, mean=divided.flux.mean(axis=0)))
    flat = replace(run, about=run.about | {"continuum": 100}, references=divided, fits=fits)
    _, flux, error = (part[:20] for part in stars)
    whole = flat.predict(flux, error, "mlp")
    found, _ = masked(flat, flux, error, windows((8250, 8350))(run.fits.wave, 20, None))
    assert np.median(np.abs(found["log_g_global_ridge"] - whole["log_g_global_ridge"])) < 0.2
    assert np.mean((whole["T_eff"] >= found["T_eff_lo95"]) & (whole["T_eff"] <= found["T_eff_hi95"])) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["global_ridge", "classify", "mlp"])
def test_neighbours_fill_short_gaps_where_that_costs_little(run, stars, name):
    """And what it costs is said: the changes of labels of 200 stars are as large as their costs, and no larger."""
    _, flux, error = (part[:200] for part in stars)
    missing = cosmics(run.fits.wave, len(flux), np.random.default_rng(9))
    filled, sigma = np.where(missing, np.nan, flux), error.copy()
    fill_from_neighbours(filled, sigma, missing)
    whole, found = run.predict(flux, error, name), run.predict(filled, sigma, name, ~missing)
    alone = run.predict(filled, sigma, name)
    assert (found["log_g"] == alone["log_g"]).mean() > 0.8
    assert (found["fill_cost"] <= LITTLE).mean() > 0.9
    half = (whole["log_g_hi68"] - whole["log_g"]).to_numpy()
    change, cost = (found["log_g"] - whole["log_g"]) / half, found["fill_cost"]
    assert np.mean(np.abs(change) <= cost) > 0.68
    assert np.sqrt(np.mean(change**2)) > 0.2 * np.sqrt(np.mean(cost**2))
