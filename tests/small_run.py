"""A trained run that is made in a moment, and spectra for it: what `predict` does with files needs no good model."""

import numpy as np
import torch
from astropy.table import Table

from gravispec.features.shape import NAMES, Shape
from gravispec.models.fallback import Fallback
from gravispec.models.filling import References
from gravispec.models.gates import Gate
from gravispec.models.global_ridge import GlobalRidge
from gravispec.models.hard import Hard
from gravispec.models.inference import Fits, Fitted
from gravispec.models.intervals import Intervals
from gravispec.models.level import Level
from gravispec.models.mixture import Mixture
from gravispec.models.pca import Pca
from gravispec.models.residual_scale import Scale
from gravispec.models.ridge import RidgeFit
from gravispec.models.tower import GlobalFeatureMLP, Towers
from gravispec.models.trained import TrainedRun
from gravispec.models.training import seeded

WAVE = 8150 + 1.0 * np.arange(560)  # Å, all windows of the gate features with their sidebands
K = 4
SHOWN = ("global_ridge", "hard", "classify", "linear", "mlp", "mlp_fallback", "tower")


def small_run(seed=0, noise_level=0.2, shown=SHOWN, **about):
    """Random coefficients that give labels inside the bins; 4 experts; one noise level, or several."""
    levels = np.atleast_1d(noise_level)
    about = {
        "run": "small",
        "version": "0.1.0",
        "code": "0123456789abcdef",
        "leading": "mlp" if "mlp" in shown else shown[-1],
        "labels": {name: name for name in shown},
        "normalisation": {"median": "noisy", "continuum": 0},
        "config": {"run": {"n_train": [100]}, "dataset": {"continuum": 0}},
    } | about
    return TrainedRun(about, tuple(small_level(seed, float(level), shown) for level in sorted(levels)))


def small_level(seed, noise_level, shown=SHOWN):
    rng, n = np.random.default_rng(seed), len(WAVE)
    components = np.linalg.qr(rng.normal(size=(n, 6)))[0].T
    fits = Fits(
        wave=WAVE,
        pca=Pca(np.ones(n), components, np.arange(6.0, 0, -1), 30.0),
        ridge=ridge_fit(rng),
        experts=tuple(ridge_fit(rng) for _ in range(K)),
    )
    models = {name: fitted for name, fitted in small_models(fits).items() if name in shown}
    intervals = Intervals(np.array([20.0]), np.full((2, 3, 2), 0.1), np.array([50, 50]))
    return Level(
        about={
            "noise_level": noise_level,
            "n_train": 100,
            "continuum": 0.0,
            "shown": list(shown),
            "label_range": {"log_g": [1.0, 5.0], "T_eff": [3750.0, 6000.0], "M_H": [-2.5, 0.75]},
            "bins": {"T_eff": [3750.0, 6000.0], "M_H": [-2.0, 0.5]},
            "snr_range": [1 / noise_level, 20 / noise_level],
            "snr_median": 4 / noise_level,
            "chi2_limit": 2.0,
            "misfit_limits": {},
        },
        fits=fits,
        models=models,
        intervals={name: (Scale(np.array([]), np.array([-1.0]), np.ones((1, 2, 3))), intervals) for name in models},
        shape=any_shape(rng, n),
        references=References(rng.normal(1, 0.05, (50, n)).astype(np.float32), np.full(50, 20.0)),
    )


def ridge_fit(rng):
    """Of three labels."""
    coef = rng.normal(size=(len(WAVE), 3)) * [1e-3, 1, 1e-3]
    return RidgeFit(
        coef, np.array([3.0, 5000.0, -0.5]) - coef.sum(axis=0), np.ones(3), np.ones(1), np.ones((1, 3)), 100
    )


def small_models(fits):
    """A model of every sort, as the configuration names them."""
    gates = {"classify": ("classify", 0), "linear": ("linear", 0), "mlp": ("mlp", 5)}
    with seeded(0):
        models = {
            name: Fitted("mixture", {"gate": kind, "family": "window"}, mixture_of(kind, hidden))
            for name, (kind, hidden) in gates.items()
        }
    return models | {
        "global_ridge": Fitted("global_ridge", {}, GlobalRidge(fits.ridge.coef, fits.ridge.intercept)),
        "hard": Fitted("hard", {"of": "classify"}, Hard()),
        "mlp_fallback": Fitted("fallback", {"of": "mlp", "weight": 0.5}, Fallback(0.5)),
        "tower": Fitted("tower", {"families": ["ridge", "window"]}, small_tower(14)),
    }


def mixture_of(kind, hidden):
    gate = Gate(kind, np.zeros(13), np.ones(13), K, hidden=hidden)
    with torch.no_grad():
        gate.net[-1].weight.mul_(0.1)
    return Mixture(gate)


def small_tower(dim):
    """Of the Ridge, the first of so many features."""
    with seeded(0):
        return Towers([GlobalFeatureMLP(np.zeros(dim), np.ones(dim), 0, hidden=(4, 3), dropout=0.1)])


def any_shape(rng, n_pixels, k=3):
    """Tests of shape in one cell that find nothing."""
    j = len(NAMES)
    return Shape(
        T_eff_edges=np.array([]),
        M_H_edges=np.array([]),
        mean=np.ones((1, n_pixels), np.float32),
        read=rng.normal(size=(1, n_pixels, k + j * (k + 1))).astype(np.float32),
        power=np.tile(np.eye(k + 1, dtype=np.float32), (1, j, 1, 1)),
        noise=np.ones((1, n_pixels, j), np.float32),
        floor=np.ones((1, j)),
        limits=np.tile([-1e9, 1e9], (j, 1)),
    )


def write_run(folder, **about):
    """The folder of a run, with its file in it."""
    folder.mkdir(parents=True, exist_ok=True)
    small_run(**about).save(folder / "model.safetensors")
    return folder


def write_spectra(path, ids=("a", "b", "c"), *, seed=0):
    """A FITS table with a row a spectrum, written by astropy; ids that FITS cannot hold need another file."""
    rng, shape = np.random.default_rng(seed), (len(ids), len(WAVE))
    flux = 1 + 0.05 * rng.normal(size=shape)
    table = Table({"star_id": list(ids), "wave": np.tile(WAVE, (len(ids), 1)), "flux": flux})
    table["error"] = np.full(shape, 0.05)
    table["wave"].unit = "Angstrom"
    table["flux"].unit = table["error"].unit = "erg s-1 cm-2 Angstrom-1"
    table.meta["AIRORVAC"] = "VACUUM"
    with open(path, "wb") as file:
        table.write(file, format="fits")
    return path
