"""The heavy stages on tensors, with PyTorch on the CPU in the place of a GPU, against NumPy."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gravispec import device
from gravispec.data.error_rows import ErrorRows
from gravispec.device import host, on_device
from gravispec.errors import InputError
from gravispec.features import quality, window
from gravispec.models.moments import fold_moments, fold_of_row, moments_of, pool
from gravispec.models.pca import pca_from_moments
from gravispec.models.ridge import cross_fit_from_moments, ridge_cv
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.observing import error_of, error_parameters, snr_of
from gravispec.spectra.splines import nodes

REPO = Path(__file__).parents[1]
WAVE = 8100.0 + 2.0 * np.arange(301)  # Å; the windows of the gate features are inside
AXES = {"T_eff": np.array([4000.0, 5000.0, 6000.0]), "log_g": np.array([1.0, 3.0, 5.0])}
N = 200


def grid_on(where):
    T_eff, log_g = nodes(AXES).T
    lines = np.exp(-0.5 * ((WAVE - 8545.0) / 10) ** 2)
    flux = T_eff[:, None] * (8500 / WAVE) ** (T_eff[:, None] / 2000) * np.exp(-0.1 * log_g[:, None] * lines)
    return GridInterpolator(AXES, fit_basis(flux), wave=WAVE, device=where)


@pytest.fixture(scope="module")
def stars():
    rng = np.random.default_rng(1)
    ranges = {"T_eff": (4000, 6000), "log_g": (1, 5), "mag": (20.5, 22.5), "seeing": (0.5, 1.0)}
    ranges |= {"zenith_angle": (0, 45), "field_angle": (0, 0.6), "M_H": (-2, 0.5)}
    return pd.DataFrame({name: rng.uniform(*ends, N) for name, ends in ranges.items()})


def observed(stars, where):
    """Clean flux, parameters of the errors, errors, noisy flux, S/N."""
    clean = median_normalised(grid_on(where)(stars[list(AXES)].to_numpy()))
    parameters = error_parameters(WAVE, clean, stars)
    error = error_of(WAVE, parameters, device=where)
    noisy = add_noise(clean, error, level=0.2, seed=3, split="test", rows=np.arange(N))
    return clean, parameters, error, noisy, snr_of(WAVE, parameters, device=where)


@pytest.fixture(scope="module")
def spectra(stars):
    return {where: observed(stars, where) for where in (None, "cpu")}


def test_spectra_are_those_of_numpy_to_single_precision(spectra):
    for expected, found in zip(spectra[None], spectra["cpu"], strict=True):
        assert host(found).dtype == expected.dtype
        np.testing.assert_allclose(host(found), expected, rtol=2e-6, atol=1e-6)


def test_the_draws_are_the_same_bit_by_bit(spectra):
    clean, _, error, noisy, _ = spectra[None]
    found = add_noise(
        on_device(clean, "cpu"), on_device(error, "cpu"), level=0.2, seed=3, split="test", rows=np.arange(N)
    )
    assert host(found).tobytes() == noisy.tobytes()
    bad = error.copy()
    bad[17, 5] = np.nan
    tensors = on_device(clean, "cpu"), on_device(bad, "cpu")
    with pytest.raises(InputError, match="row 17, pixel 5 is nan"):
        add_noise(*tensors, level=0.2, seed=3, split="test", rows=np.arange(N))


def test_errors_of_a_file_are_tensors_on_the_device(spectra, tmp_path):
    parameters, error = spectra[None][1:3]
    np.save(tmp_path / "two_numbers.npy", parameters)
    np.save(tmp_path / "all_pixels.npy", error)
    for name in ("two_numbers", "all_pixels"):
        rows = ErrorRows(tmp_path / f"{name}.npy", WAVE, device="cpu")[3:9]
        np.testing.assert_allclose(host(rows), error[3:9], rtol=1e-6)
        assert rows.device.type == "cpu"


@pytest.mark.parametrize("n_pixels", [60, 301])  # more stars than pixels, and fewer: the dual form
def test_ridges_are_those_of_numpy(spectra, stars, n_pixels):
    X, Y = spectra[None][3][:, :n_pixels], stars[["log_g", "T_eff", "M_H"]].to_numpy()
    alphas = np.logspace(-3, 5, 9)
    fits = [
        ridge_cv([(X[:90], Y[:90]), (X[90:], Y[90:])], N, alphas=alphas, seed=2, device=where)
        for where in (None, "cpu")
    ]
    for name in ("coef", "intercept", "cv_mse", "alpha"):
        expected, found = (getattr(fit, name) for fit in fits)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(fits[1].predict(on_device(X, "cpu")), fits[0].predict(X), rtol=1e-9)


def test_fits_without_a_fold_and_components_are_those_of_numpy(spectra, stars):
    X, y = spectra[None][3][:, :60], stars[["log_g"]].to_numpy()
    found = {}
    for where in (None, "cpu"):
        folds = fold_moments([(X, y)], N, n_folds=4, seed=2, device=where)
        _, without = cross_fit_from_moments(folds, fold_of_row(N, 4, 2), alphas=np.logspace(-3, 5, 9))
        found[where] = without.coef, without.intercept, pca_from_moments(pool(folds), 5).components
    for expected, other in zip(found[None], found["cpu"], strict=True):
        np.testing.assert_allclose(other, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_moments_move_between_devices(spectra, stars):
    X, y = spectra[None][3][:, :60], stars[["log_g"]].to_numpy()
    here = moments_of([(X, y)], N)
    there = moments_of([(on_device(X, "cpu"), y)], N, device="cpu")
    for moved, expected in ((there.on(None), here), (here.on("cpu").on(None), here)):
        for name in ("mean_x", "mean_y", "xx", "xy", "yy"):
            np.testing.assert_allclose(getattr(moved, name), getattr(expected, name), rtol=1e-10, atol=1e-12)
    assert here.on(None) is here


def test_a_value_that_is_not_finite_is_named_on_the_device_too(spectra, stars):
    X, y = spectra[None][3].copy(), stars["log_g"].to_numpy()
    X[7, 11] = np.inf
    with pytest.raises(InputError, match=r"row 7 .*flux in pixel 11 is not finite"):
        moments_of([(on_device(X, "cpu"), y)], N, device="cpu")


def test_features_are_those_of_numpy(spectra, stars):
    noisy, error = spectra[None][3], spectra[None][2]
    pca = pca_from_moments(moments_of([(noisy, stars[["log_g"]].to_numpy())], N), 5)
    tensors = on_device(noisy, "cpu"), on_device(error, "cpu")
    np.testing.assert_allclose(
        host(window.features(tensors[0], WAVE, pca)), window.features(noisy, WAVE, pca), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(quality.features(*tensors, pca), quality.features(noisy, error, pca), rtol=1e-5)


def test_a_job_has_the_device_of_its_resources(monkeypatch):
    def of(wanted, gpu):
        return device.array_device(SimpleNamespace(device=wanted, gpu=gpu))

    monkeypatch.setattr(device, "_cuda", lambda: True)
    assert [of("auto", 1), of("cuda", 1)] == ["cuda", "cuda"]
    assert [of("auto", 0), of("cuda", 0), of("cpu", 1)] == [None, None, None]
    monkeypatch.setattr(device, "_cuda", lambda: False)
    assert of("auto", 1) is None
    with pytest.raises(InputError, match="this job sees no GPU"):
        of("cuda", 1)


BARE = """
import sys
for name in {blocked}:
    sys.modules[name] = None  # importing it fails
from benchmarks import gpu
sys.argv = ["gpu"]
sys.exit(gpu.main())
"""


def test_the_gpu_benchmark_runs_on_a_bare_machine_and_says_where_there_is_no_gpu():
    """Without the packages of pyproject.toml but those it names; PyTorch on the CPU and NumPy agree."""
    required = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w.-]+", line)[0] for line in required}
    there = {
        "numpy",
        "scipy",
        "torch",
        "pandas",
        "pyarrow",
        "scikit-learn",
        "pydantic",
        "threadpoolctl",
    }  # the last is part of scikit-learn
    blocked = names - there | {"snakemake", "yaml"}
    assert {"safetensors", "astropy", "h5py"} <= blocked
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BARE.format(blocked=sorted(blocked))]
    done = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No GPU here" in done.stdout
    assert "\nagree: |Δ log g| < 0.05 σ, ΔR² < 0.0001" in done.stdout
