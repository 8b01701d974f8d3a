"""A trained run that is made in a moment, and spectra for it: what `predict` does with files needs no good model."""

import numpy as np
from astropy.table import Table

from gravispec.features.pca import Pca
from gravispec.features.shape import NAMES, Shape
from gravispec.models.filling import References
from gravispec.models.gates import KINDS, Gate
from gravispec.models.intervals import Intervals
from gravispec.models.residual_scale import Scale
from gravispec.models.trained import TrainedRun

WAVE = 8150 + 1.0 * np.arange(560)  # Å, all windows of the gate features with their sidebands
K = 4


def small_run(seed=0, **about):
    """Random coefficients that give labels inside the bins; 4 experts."""
    rng, n = np.random.default_rng(seed), len(WAVE)
    edges = {"T_eff": [3750.0, 4875.0, 6000.0], "M_H": [-2.0, -1.0, 0.5]}
    components = np.linalg.qr(rng.normal(size=(n, 6)))[0].T
    gates = {}
    for kind in KINDS:
        gates[kind] = Gate(kind, np.zeros(13), np.ones(13), K, hidden=5)
    return TrainedRun(
        about={
            "run": "small",
            "noise_level": 0.2,
            "edges": edges,
            "bin_names": [f"bin {k}" for k in range(K)],
            "fallback_weight": 0.5,
            "config": {"run": {"n_train": 100}, "dataset": {"continuum": 0}},
            "version": "0.1.0",
            "code": "0123456789abcdef",
            "source": {"log_g": "mlp", "T_eff": "global_ridge", "M_H": "global_ridge"},
            "label_range": {"log_g": [1.0, 5.0], "T_eff": [3750.0, 6000.0], "M_H": [-2.5, 0.75]},
            "snr_range": [5.0, 100.0],
            "snr_median": 20.0,
            "chi2_limit": 2.0,
        }
        | about,
        wave=WAVE,
        coef=rng.normal(size=(n, K + 1, 3)) * [1e-3, 1, 1e-3],
        intercept=np.tile([3.0, 5000.0, -0.5], (K + 1, 1)),
        pca=Pca(np.ones(n), components, np.arange(6.0, 0, -1), 30.0),
        gates=gates,
        scale=Scale(np.array([]), np.array([-1.0]), np.ones((1, 2, 3))),
        intervals=Intervals(np.array([20.0]), np.full((2, 3, 2), 0.1), np.array([50, 50])),
        references=References(
            rng.normal(1, 0.05, (50, n)).astype(np.float32),
            np.tile([3.0, 5000.0, -0.5], (50, 1)) + rng.normal(size=(50, 3)),
            np.full(50, 20.0),
        ),
        shape=any_shape(rng, n),
    )


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
    """The folder of a run, with its model in it."""
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
