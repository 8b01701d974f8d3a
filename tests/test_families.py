"""Feature families: the check that all of them pass, cross-fitting, and what a family may ask for."""

from importlib import import_module

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from gravispec.data.arrays import blocks
from gravispec.data.stars import training_mask
from gravispec.errors import InputError
from gravispec.features import dual_window, error, family, pca, quality, ridge, robust, topk, window
from gravispec.plugins import families
from tests.family_check import N_TRAIN, SHARDS, SmallData, check_family


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return SmallData(tmp_path_factory.mktemp("families"))


def dense_pca(data):
    train = data.flux[:N_TRAIN].astype(float)
    reference = PCA(96, svd_solver="covariance_eigh").fit(train)
    sign = np.sign(np.sum(reference.components_ * data.pca.components, axis=1))
    return reference.transform(data.flux.astype(float)) * sign


def dense_ridge(data):
    X, y = data.flux[:N_TRAIN].astype(float), data.stars["log_g"].to_numpy()[:N_TRAIN]
    return Ridge(alpha=data.ridge.alpha).fit(X, y).predict(data.flux.astype(float))[:, None]


def dense_cross_fit(data):
    X, y = data.flux[:N_TRAIN].astype(float), data.stars["log_g"].to_numpy()[:N_TRAIN]
    predicted = dense_ridge(data)
    for k in range(5):
        out = data.fold == k
        predicted[:N_TRAIN][out, 0] = Ridge(alpha=data.ridge.alpha).fit(X[~out], y[~out]).predict(X[out])
    return predicted


def dense_topk(data):
    ranked = sorted(range(700), key=lambda pixel: -abs(data.ridge.coef[pixel]))[:512]
    pixels = sorted(ranked, key=lambda pixel: data.wave[pixel])
    # 512 = 8 · 22 + 16 · 21
    sizes = [22] * 8 + [21] * 16
    starts = np.cumsum([0, *sizes])
    return np.array(
        [[np.mean([float(star[p]) for p in pixels[a : a + size]]) for a, size in zip(starts, sizes, strict=False)]
         for star in data.flux]
    )  # fmt: skip


def dense_error(data):
    rows = []
    for star in data.sigma.astype(float):
        ordered = np.sort(star)
        low, high = (np.interp(q * (len(ordered) - 1), np.arange(len(ordered)), ordered) for q in (0.25, 0.75))
        rows.append([star.mean(), np.sqrt(np.mean((star - star.mean()) ** 2)), ordered[-1], low, high])
    return np.array(rows)


def dense_quality(data):
    from sklearn.decomposition import PCA

    model = PCA(96, svd_solver="covariance_eigh").fit(data.flux[:N_TRAIN].astype(float))
    rows = []
    for star, sigma in zip(data.flux.astype(float), data.sigma.astype(float), strict=True):
        missed = star - model.inverse_transform(model.transform(star[None]))[0]
        rows.append([np.median(star / sigma), np.sum((missed / sigma) ** 2) / (700 - 96)])
    return np.array(rows)


def dense_window(data):
    lines = window.line_features(data.wave, data.flux.astype(float))
    return np.hstack([lines, dense_pca(data)[:, :4]])


def dense_robust(data):
    rows, (coef, intercept) = [], (data.of_labels.coef, data.of_labels.intercept)
    for star, sigma in zip(data.flux.astype(float), data.sigma.astype(float), strict=True):
        labels = [sum(star * coef[:, t]) + intercept[t] for t in range(3)]
        rows.append([*labels, np.log(np.median(star / sigma))])
    return np.array(rows)


def dense_dual_window(data):
    """Bands in air, of Cenarro et al. (2001) where they are theirs, +2.4 Å; TiO, CN and Fe I in vacuum."""
    air = {
        "P14": ((8577, 8619), ((8563, 8577), (8619, 8642))),
        "P12": ((8730, 8772), ((8700, 8725), (8776, 8792))),
        "TiO": ((8431.6, 8461.6), ((8399.6, 8427.6),)),
        "CN": ((8047.6, 8147.6), ((8212.6, 8317.6),)),
        "Mg": ((8802.5, 8811), ((8781, 8787.9), (8831.6, 8835.5))),
        "Fe": ((8683.6, 8693.6), ((8675.6, 8683.6), (8697.6, 8707.6))),
    }
    rows = []
    for star in data.flux.astype(float):
        pixels, row = list(zip(data.wave, star, strict=True)), []
        for (low, high), beside in air.values():
            inside = [f for w, f in pixels if low + 2.4 <= w <= high + 2.4]
            outside = [f for w, f in pixels if any(a + 2.4 <= w <= b + 2.4 for a, b in beside)]
            row.append(1 - np.mean(inside) / np.mean(outside))
        rows.append(row)
    return np.hstack([dense_window(data), rows, dense_robust(data)])


@pytest.mark.parametrize(
    ("module", "naive", "mode"),
    [
        (pca, dense_pca, None),
        (ridge, dense_ridge, "in_sample"),
        (ridge, dense_cross_fit, "cross_fit"),
        (topk, dense_topk, None),
        (error, dense_error, None),
        (window, dense_window, None),
        (quality, dense_quality, None),
        (robust, dense_robust, None),
        (dual_window, dense_dual_window, None),
    ],
    ids=["pca", "ridge_in_sample", "ridge_cross_fit", "topk", "error", "window", "quality", "robust", "dual_window"],
)
def test_family(module, naive, mode, data, tmp_path):
    check_family(module, data, naive, tmp_path, mode=mode)


def test_a_family_that_is_new_here_passes_the_same_check(data, tmp_path):
    """All but the values: nobody has written them down twice."""
    for name in set(families.families()) - {
        "pca",
        "ridge",
        "topk",
        "error",
        "window",
        "quality",
        "robust",
        "dual_window",
    }:
        if "fitted" not in (asked := families.inputs_of(name)):
            for mode in families.MODES if "mode" in asked else [None]:
                check_family(import_module(f"gravispec.features.{name}"), data, None, tmp_path, mode=mode)


@pytest.mark.parametrize(
    ("module", "size"),
    [(pca, 96), (ridge, 1), (topk, 24), (error, 5), (window, 13), (quality, 2), (robust, 4), (dual_window, 23)],
)
def test_sizes(module, size):
    assert len(module.NAMES) == size


def test_a_fold_is_predicted_by_a_fit_that_has_not_seen_it(data):
    """Another target in fold 2 changes the fits without the other folds; that without fold 2 stays as it is."""
    from gravispec.models.moments import fold_moments
    from gravispec.models.ridge import cross_fit_from_moments

    X, y = data.flux[:N_TRAIN], data.stars["log_g"].to_numpy()[:N_TRAIN].copy()
    y[data.fold == 2] += np.random.default_rng(0).normal(size=(data.fold == 2).sum())
    alphas = [data.ridge.alpha]
    _, changed = cross_fit_from_moments(fold_moments([(X, y)], N_TRAIN, n_folds=5, seed=2), data.fold, alphas=alphas)
    rows = np.arange(N_TRAIN)
    before, after = data.ridge_folds.predict(X, rows), changed.predict(X, rows)
    own = data.fold == 2
    np.testing.assert_allclose(after[own], before[own], rtol=0, atol=1e-9)
    assert (np.abs(after[~own] - before[~own]) > 1e-4).mean() > 0.9


def test_cross_fitting_is_less_optimistic_than_the_fit_itself(data):
    X, y = data.flux[:N_TRAIN].astype(float), data.stars["log_g"].to_numpy()[:N_TRAIN]
    in_sample = np.mean((data.ridge.predict(X) - y) ** 2)
    out_of_fold = np.mean((data.ridge_folds.predict(X, np.arange(N_TRAIN)) - y) ** 2)
    assert out_of_fold > 1.2 * in_sample
    # folds of equal size: the mean over folds of the fold's MSE is the mean over rows
    assert out_of_fold == pytest.approx(data.ridge.cv_mse.min(), rel=1e-9)


def test_what_a_family_reads_is_what_its_function_is_called_with():
    assert families.inputs_of("topk") == ["flux", "ridge"]
    assert families.inputs_of("error") == ["sigma"]
    # there is no name for clean flux
    assert "mode" in families.inputs_of("ridge")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def features(clean_flux): pass\n", "features asks for clean_flux; it can have flux, sigma"),
        ("def feature(flux): pass\n", "must define features"),
        ("def features(wave, trained): pass\n", "features asks for no spectra; it needs one of flux, sigma"),
    ],
)
def test_a_family_that_cannot_be_is_named(monkeypatch, tmp_path, source, message):
    (tmp_path / "mine.py").write_text(source)
    monkeypatch.setattr(families, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=message):
        families.inputs_of("mine")


def test_too_few_pixels_or_components_are_named(data):
    with pytest.raises(InputError, match="512 pixels are chosen, the spectra have 100"):
        topk.segments(np.ones(100))
    with pytest.raises(InputError, match="97 principal components are needed, the training stars gave 96"):
        data.pca.leading(97)


def test_pixels_that_miss_a_band_of_the_dual_window_are_named():
    wave = np.arange(8100.0, 8850.0, 0.43)
    with pytest.raises(InputError, match=r"pixels 8100.0..8849.* Å do not cover CN8100 .*take family window"):
        dual_window.indices(wave, np.ones((1, len(wave))))


def test_robust_features_of_noise_alone_are_finite(data):
    flux = np.random.default_rng(1).normal(0, 1, data.flux[:20].shape)
    assert np.isfinite(robust.features(flux, np.ones_like(flux), data.of_labels)).all()


def test_a_feature_that_is_not_finite_is_named(data):
    """By its row in the split, as in the user's file, whichever shard and block it is in."""
    flux = data.flux[70:N_TRAIN].copy()
    flux[33, 5] = np.nan
    with pytest.raises(InputError, match="pca: PC1 of row 103 of train is not finite"):
        family.compute(pca, {"flux": flux, "pca": data.pca}, "train", 70, block=20)


@pytest.mark.parametrize("n_train", [50, 70, 100, 160])
def test_rows_of_the_training_stars_across_shards(data, n_train):
    """``n_train`` may end within a shard, and before later ones."""
    keep = training_mask(data.stars, n_train)
    expected = np.where(keep, np.cumsum(keep) - 1, -1)
    found = []
    for split, first, last in SHARDS.values():
        rows = family.TrainedRows(split, first, n_train)
        found += [rows[lo:hi] for lo, hi in blocks(0, last - first, 13)]
    np.testing.assert_array_equal(np.concatenate(found), expected)
