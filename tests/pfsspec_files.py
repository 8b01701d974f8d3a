"""Files in the pfsspec layout, written as their users write them: arrays with h5py, labels with pandas."""

import h5py
import numpy as np
import pandas as pd

from gravispec.data.pfsspec import ERROR, FLUX, WAVE


def write_pfsspec(path, wave, flux, error, labels, *, layout="table"):
    """One split: wave (P,), flux and error (N, P), labels a DataFrame (N, ...)."""
    labels.to_hdf(path, key="dataset/params", mode="w", format=layout)
    with h5py.File(path, "a") as file:
        file[WAVE] = wave
        file[FLUX] = flux
        file[ERROR] = error
    return path


def small_spectra(n, *, seed):
    """Wave, flux, error and labels of ``n`` made-up spectra with lines that depend on log g, over the gate windows."""
    rng = np.random.default_rng(seed)
    wave = np.arange(8150.0, 8700.0, 1.5)
    labels = pd.DataFrame(
        {
            "T_eff": rng.uniform(3750, 6000, n),
            "log_g": rng.uniform(1, 5, n),
            "M_H": rng.uniform(-2, 0.5, n),
            "a_M": 0.0,
            "C_M": 0.0,
            "mag": rng.uniform(20.5, 22.5, n),
            "redshift": 0.0,
            "snr": np.nan,
            "name": "star",
        }
    )
    depth = 0.3 + 0.1 * labels["log_g"].to_numpy()[:, None]
    flux = np.full((n, len(wave)), 1.0) + (labels["T_eff"].to_numpy()[:, None] - 5000) * (wave - 8400) * 1e-7
    for centre in (8190.0, 8500.0, 8544.0, 8664.0):
        flux -= depth * np.exp(-0.5 * ((wave - centre) / 3) ** 2) * (1 + 0.1 * labels["M_H"].to_numpy()[:, None])
    error = np.full_like(flux, 0.1)
    error[:, 0] = np.nan  # as in published files
    return wave, 7.0 * flux.astype(np.float32), 7.0 * error.astype(np.float32), labels
