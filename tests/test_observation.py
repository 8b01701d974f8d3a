"""One observation: flux and its 1σ are divided by the same numbers, and files of 1σ say them exactly."""

import inspect
import re

import numpy as np
import pytest

from gravispec.data.error_rows import ErrorRows
from gravispec.spectra import observation
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import running_continuum
from gravispec.spectra.observation import observe
from gravispec.spectra.observing import error_of
from tests.conftest import REPO

N, P = 40, 600
WAVE = np.linspace(7105.0, 8845.0, P)
PARAMETERS = np.stack([np.geomspace(0.2, 20, N), np.linspace(-1e-4, 1e-4, N)], axis=1)
ERROR = error_of(WAVE, PARAMETERS)
CLEAN = np.random.default_rng(5).uniform(0.4, 1.2, (N, P)).astype(np.float32)
STREAM = {"seed": 3, "split": "test", "rows": np.arange(N)}


@pytest.mark.parametrize("level", [0.2, 2.0, 0.0])
@pytest.mark.parametrize(("median", "continuum"), [("noisy", 0), ("clean", 0), ("noisy", 100.0), ("clean", 100.0)])
def test_flux_and_its_error_are_divided_by_the_same(level, median, continuum):
    flux, scale = observe(CLEAN, ERROR, level=level, **STREAM, wave=WAVE, median=median, continuum=continuum)
    raw = add_noise(CLEAN, ERROR, level=level, **STREAM).astype(np.float64)
    divisor = np.median(raw, axis=1, keepdims=True) if median == "noisy" else np.ones((N, 1))
    if continuum:
        divisor = divisor * running_continuum(raw / divisor, WAVE, continuum)
    np.testing.assert_allclose(flux, raw / divisor, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(ERROR * scale, ERROR * (level or 1) / divisor, rtol=2e-5)
    assert scale.shape == (N, P if continuum else 1)
    if median == "noisy" and not continuum:
        np.testing.assert_allclose(np.median(flux, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("kept", ["two numbers", "pixels"])
@pytest.mark.parametrize("width", [1, P])
def test_a_file_of_scaled_errors_gives_them_back(kept, width, tmp_path):
    np.save(tmp_path / "error.npy", PARAMETERS if kept == "two numbers" else ERROR)
    scale = np.random.default_rng(6).uniform(0.1, 3, (N, width)).astype(np.float32)
    errors = ErrorRows(tmp_path / "error.npy", WAVE)
    parts = [errors.scaled(slice(lo, lo + 15), scale[lo : lo + 15]) for lo in range(0, N, 15)]
    np.save(tmp_path / "sigma.npy", np.concatenate(parts))
    assert parts[0].shape[1] == errors.width(width) == (3 if (kept, width) == ("two numbers", 1) else P)
    sigma = ErrorRows(tmp_path / "sigma.npy", WAVE)
    assert sigma.shape == (N, P)
    np.testing.assert_allclose(sigma[:], ERROR * scale, rtol=1e-6)
    np.testing.assert_array_equal(sigma[np.array([3, 17, 30])], sigma[:][[3, 17, 30]])


def test_a_kind_of_noise_is_one_line_as_the_page_on_the_architecture_says():
    section = (REPO / "docs/architecture.md").read_text().split("## Add a kind of noise\n")[1]
    line = re.search(r"```python\n(.*?)```", section, re.S)[1]
    source, n = re.subn(r"(flux = add_noise\(.*\n)", lambda match: match[0] + line, inspect.getsource(observation))
    assert n == 1
    changed = {}
    exec(compile(source, "observation.py", "exec"), changed)
    how = STREAM | {"level": 0.2, "wave": WAVE, "median": "clean", "continuum": 0}
    before, after = observe(CLEAN, ERROR, **how), changed["observe"](CLEAN, ERROR, **how)
    np.testing.assert_allclose(
        after[0] / before[0], np.tile(1 + 0.01 * np.sin(np.linspace(0, 100, P)), (N, 1)), rtol=1e-5
    )
    np.testing.assert_array_equal(after[1], before[1])


def test_the_smoke_run_has_the_error_of_its_noisy_flux(smoke):
    """σ / error is one number a star, 0.2 over the median before division: flux times it scatters as the noise did."""
    ratio = smoke.sigma() / smoke.error()
    np.testing.assert_allclose(ratio, np.tile(ratio[:, :1], ratio.shape[1]), rtol=1e-5)
    medians = 0.2 / ratio[:, 0]
    assert 0.0005 < np.std(medians) < 0.02
    clean = np.load(smoke.path / "results/spectra/smoke/flux/test_0.npy")
    noise = smoke.flux(splits=["test"]) * medians[-len(clean) :, None] - clean
    deviations = noise / (0.2 * smoke.error(splits=["test"]))
    assert abs(deviations.std() - 1) < 0.002
