"""One check that every model passes, on small synthetic stars, without a workflow."""

import functools
import inspect
import json
from importlib import import_module
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import yaml

from gravispec.config import load
from gravispec.config.models import deployable, options_of
from gravispec.data.arrays import selected_rows
from gravispec.data.features import write_features
from gravispec.errors import InputError
from gravispec.evaluation.cells import scores
from gravispec.features.family import TrainedRows, compute, open_inputs
from gravispec.labels import LABELS
from gravispec.models import model
from gravispec.models.bins import Bins
from gravispec.models.experts import expert_labels
from gravispec.models.given import StoredStars, fit_inputs
from gravispec.models.inference import Fits, Fitted, Spectra, columns, predictions_table
from gravispec.models.moments import fold_moments, fold_of_row, pool
from gravispec.models.pca import N_COMPONENTS, pca_from_moments
from gravispec.models.ridge import cross_fit_from_moments, ridge_cv
from gravispec.plugins.models import families_of, plugin
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.splines import nodes
from tests.conftest import REPO

SIZES, N_PIXELS, LEVEL, SEED = {"train": 400, "val": 250, "test": 50}, 560, 0.5, 3
EDGES = {"T_eff": (3750.0, 4875.0, 6000.0), "M_H": (-2.0, -1.0, 0.5)}
VALIDATION = {"fit": 0.6, "stop": 0.2, "n_val": 200}
CONFIGURED = load(yaml.safe_load((REPO / "config/config.yaml").read_text())).models
ALPHAS = np.logspace(-3, 3, 7)


def clean_flux(hidden, response):
    """(n, P) of log g, T_eff and M_H from -1 to 1 (n, 3)."""
    log_g = hidden[:, :1]
    return 1 + np.hstack([log_g * np.abs(log_g), hidden[:, 1:], log_g**2]) @ response


def forward_model(response, wave):
    """``ForwardModel`` of such spectra."""
    axes = {"T_eff": np.linspace(3750, 6000, 4), "log_g": np.linspace(1, 5, 9), "M_H": np.linspace(-2.6, 0.6, 4)}
    hidden = (nodes(axes)[:, [1, 0, 2]] - [3, 4875, -1]) / [2, 1125, 1.6]
    grid = GridInterpolator(axes, fit_basis(clean_flux(hidden, response)), wave=wave)
    labels = {name: {"low": of[0], "high": of[-1]} for name, of in axes.items()}
    return ForwardModel(grid, labels | {"mag": {"low": 20.0, "high": 22.0}, "beta": 1.0}, SEED)


class SmallStars:
    """Spectra of 700 stars that cover the gate windows, in files, and what models share, fitted to 400 of them.

    Flux is bent in log g and linear in the other labels, as ``forward`` has it; some stars are outside the bins.
    ``order`` (50,): of the test stars.
    """

    def __init__(self, folder, order=None):
        rng, n = np.random.default_rng(SEED), sum(SIZES.values())
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.fitted = folder, {}
        hidden = rng.uniform(-1, 1, (n, 3))
        labels = hidden * [2, 1125, 1.6] + [3, 4875, -1]
        wave = np.linspace(8150.0, 8700.0, N_PIXELS)
        error = rng.uniform(0.05, 0.1, (n, N_PIXELS)).astype(np.float32)
        response = rng.normal(0, 0.03, (4, N_PIXELS))
        clean = clean_flux(hidden, response)
        self.forward = forward_model(response, wave)
        flux = (clean + LEVEL * error * rng.normal(size=clean.shape)).astype(np.float32)
        stars = pd.DataFrame(labels, columns=list(LABELS)).assign(mag=rng.uniform(20, 22, n))
        stars.insert(0, "star_id", [f"star-{i:04d}" for i in rng.permutation(n)])
        stars.insert(1, "split", np.repeat(list(SIZES), list(SIZES.values())))
        rows = np.arange(n)
        if order is not None:
            rows[-len(order) :] = rows[-len(order) :][order]
        self.stars, flux, error = stars.iloc[rows].reset_index(drop=True), flux[rows], error[rows]
        self.flux, self.sigma = flux, error * np.float32(LEVEL)
        self.files = {name: folder / f"{name}.npy" for name in ("wave", "flux", "sigma")}
        for name, values in (("wave", wave), ("flux", flux), ("sigma", self.sigma)):
            np.save(self.files[name], values)
        self.files["stars"] = folder / "stars.parquet"
        self.stars.to_parquet(self.files["stars"])
        self.fits = self._share(wave)

    def _share(self, wave):
        n = SIZES["train"]
        X, Y = self.flux[:n], self.stars[list(LABELS)].to_numpy()[:n]
        folds, fold = fold_moments([(X, Y)], n, n_folds=3, seed=SEED), fold_of_row(n, 3, SEED)
        ridge, ridge_folds = cross_fit_from_moments(folds, fold, alphas=ALPHAS)
        pca = pca_from_moments(pool(folds), N_COMPONENTS)
        self.bins = Bins(**EDGES)
        of_star = self.bins.of(Y[:, 1], Y[:, 2])
        own = [of_star == k for k in range(len(self.bins))]
        experts = tuple(ridge_cv([(X[rows], Y[rows])], rows.sum(), alphas=ALPHAS, seed=SEED) for rows in own)
        for name, record in (("ridge", ridge), ("ridge_folds", ridge_folds), ("pca", pca)):
            self.files[name] = self.folder / f"{name}.npz"
            record.save(self.files[name])
        self.files["experts"] = self.folder / "experts.parquet"
        expert_labels(self.stars, self.flux[n:], experts).to_parquet(self.files["experts"])
        return Fits(wave, pca, ridge, experts)

    def feature_file(self, name, mode):
        """Table of a family, written once."""
        path = self.folder / f"{name}_{mode}.parquet"
        if not path.exists():
            module = import_module(f"gravispec.features.{name}")
            files, parts = dict(self.files), []
            if fit := getattr(module, "fit", None):
                stored = StoredStars(self.files)
                fitted = fit(**self.inputs(inspect.signature(fit).parameters, stored))
                files["fitted"] = self.folder / f"{name}.safetensors"
                model.save(fitted, files["fitted"])
                self.fits.families[name] = fitted
            trained = TrainedRows("train", 0, SIZES["train"])
            inputs = open_inputs(module, files, trained=trained, mode=mode)
            parts = compute(module, inputs, "train", 0)
            about = {"names": module.NAMES, "definition": module.DEFINITION, "unit": module.UNIT}
            write_features(path, self.stars, parts, family=name, **about)
        return path

    def inputs(self, asked, stored, **context):
        """What a fit asks for."""
        context = {"seed": SEED, "bins": self.bins, "threads": 1, "device": "cpu"} | context
        context |= {"forward": self.forward, "checkpoint": None}
        return fit_inputs(asked, stored, n_train=SIZES["train"], validation=VALIDATION, context=context)

    def stored(self, options):
        """``StoredStars`` for a model with these options; the model that it is ``of`` is fitted first."""
        names, files = families_of(options), dict(self.files)
        mode = options.get("ridge_mode", "in_sample")
        files["features"] = [self.feature_file(name, mode) for name in names]
        if "of" in options:
            about = CONFIGURED[options["of"]]
            fitted, table = self.fit(about["module"], options_of(about))
            files["other_model"], files["other"] = (self.folder / f"of.{end}" for end in ("safetensors", "parquet"))
            model.save(fitted, files["other_model"])
            table.to_parquet(files["other"])
        return StoredStars(files, families=names)

    def fit(self, module, options, **context):
        """The fitted model, and its table of predictions."""
        stored = self.stored(options)
        inputs = self.inputs(plugin(module).fit, stored, **context)
        fitted = import_module(f"gravispec.models.{module}").fit(**inputs, **options)
        return fitted, predictions_table(fitted, module, stored)

    def of_new_spectra(self, module, options, fitted, rows):
        """Columns of the model for spectra that come without stars, as in a catalogue."""
        models = {"mine": Fitted(module, options, fitted)}
        while "of" in options:
            about = CONFIGURED[options["of"]]
            name, options = options["of"], options_of(about)
            models[name] = Fitted(about["module"], options, self.fit(about["module"], options)[0])
        return Spectra(self.flux[rows], self.sigma[rows], self.fits, models).columns("mine")


def defaults_of(module):
    """Every option of a module with its default; towers of windows are trained for fewer epochs."""
    options = {name: default for name, (_, default) in plugin(module).options.items()}
    return options | ({"epochs": 8} if "windows" in options else {})


def check_model(module, data, permuted, path):
    """What every module of gravispec/models promises, fitted with the defaults of its options (``defaults_of``).

    ``permuted``: ``data`` with the test stars in another order; ``path``: where the model is saved.

    Checks arguments against what is declared; order of the rows, finite values, all labels; the same model, bit by bit,
    from the same seed whatever the test stars are; the same predictions within 1e-4 dex in chunks of other sizes, for
    stars one by one and as new spectra; the saved model, its refusal of a foreign file.
    """
    found, options = plugin(module), defaults_of(module)
    fit = import_module(f"gravispec.models.{module}").fit
    assert set(inspect.signature(fit).parameters) == {*found.fit, *options}
    fitted, table = data.fit(module, options)
    assert set(inspect.signature(fitted.predict).parameters) <= {*found.predict}
    assert isinstance(fitted, model.Model)
    about = json.loads(json.dumps(getattr(fitted, "about", {})))

    others = data.stars.query("split != 'train'").reset_index(drop=True)
    assert table["star_id"].tolist() == others["star_id"].tolist()
    assert table["split"].tolist() == others["split"].tolist()
    assert set(LABELS) <= set(table)
    numbers = table.drop(columns=["star_id", "split"])
    if "truth" not in found.declares:
        assert np.isfinite(numbers).all(axis=None)
        test = table["split"] == "test"
        assert scores(others["log_g"][test], table["log_g"][test])["r2"] > 0.5
    if "weights" in found.declares:
        weights = table.filter(regex=r"^w_\d+$")
        assert weights.shape[1] == len(data.bins)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    if "curve" in found.declares:
        curve = about["curve"]
        assert {len(curve[name]) for name in curve} == {len(curve["epoch"])}
        assert {"epoch", "fit", "stop"} <= curve.keys()

    again, of_permuted = permuted.fit(module, options)
    (header, arrays), (other_header, other_arrays) = model.pack(fitted), model.pack(again)
    assert json.dumps(other_header) == json.dumps(header)
    assert {name: a.tobytes() for name, a in other_arrays.items()} == {name: a.tobytes() for name, a in arrays.items()}
    same(of_permuted.set_index("star_id").loc[table["star_id"]].reset_index(), table)
    if {"flux", "sigma"} & set(found.fit):
        with mock.patch("gravispec.models.given.selected_rows", functools.partial(selected_rows, size=97)):
            same(data.fit(module, options)[1], table)

    stored = data.stored(options)
    keep = np.zeros(len(data.stars), bool)
    for star in (SIZES["train"], len(keep) - 3):
        keep[:] = False
        keep[star] = True
        (given,) = stored.blocks(found.asked, keep)
        alone = columns(fitted, module, given)["log_g"]
        np.testing.assert_allclose(alone, numbers["log_g"][star - SIZES["train"]], rtol=0, atol=1e-4)
    if deployable("mine", {"mine": {"module": module}}):
        new = data.of_new_spectra(module, options, fitted, slice(-SIZES["test"], None))
        for label in LABELS:
            scale = 1000 if label == "T_eff" else 1
            expected = numbers[label][-SIZES["test"] :]
            np.testing.assert_allclose(new[label], expected, rtol=0, atol=1e-4 * scale)

    model.save(fitted, path)
    loaded = model.load(path)
    assert loaded.about == about
    pd.testing.assert_frame_equal(predictions_table(loaded, module, stored), table, check_exact=True)
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match=f"{path.name}: no safetensors file"):
        model.load(path)
    return fitted


def same(found, expected):
    """Tables of predictions agree to 1e-4 dex and 0.1 K."""
    assert list(found) == list(expected)
    for name in expected.columns.drop(["star_id", "split"]):
        scale = 1000 if "T_eff" in name or name == "ess" else 1
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-4 * scale, err_msg=name)
