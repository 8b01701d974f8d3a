"""A data set of built-in spectra for the benchmarks, made on the spot: nothing of ``results/`` is needed."""

import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks, row_writer
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.instrument import fine_wave, response
from gravispec.spectra.lte.lines import load_lines
from gravispec.spectra.lte.synthesis import BANDS, emerge, prepare, synthesize
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import median_normalised, row_median
from gravispec.spectra.observing import error_arrays
from gravispec.spectra.sampling import sample_stars
from gravispec.spectra.splines import nodes

SEED = 0
NOISE_LEVEL = 0.2
FWHM = 1.6  # Å
#: coarser than the grid of the main job, on the same pixels: speed does not depend on the nodes
FULL = {"nodes": (4, 4, 5), "pixels": (7100.2136, 0.42725, 4096), "n_val": 10_000, "n_test": 5_000}
QUICK = {"nodes": (2, 3, 3), "pixels": (8140.0, 1.0, 600), "n_val": 400, "n_test": 300}


def make_grid(size, *, device=None):
    """A grid of built-in spectra: the interpolator, and seconds a model of its synthesis."""
    start, step, n = size["pixels"]
    wave = start + step * np.arange(n)
    ranges = {"T_eff": (3750, 6000), "log_g": (1, 5), "M_H": (-2.5, 0.75)}
    axes = {name: np.linspace(*ends, n) for (name, ends), n in zip(ranges.items(), size["nodes"], strict=True)}
    fine, labels = fine_wave(wave, FWHM), nodes(axes)
    instrument = response(fine, wave, FWHM)
    began = time.perf_counter()
    flux = np.stack([instrument @ surface for surface in _surface_flux(labels, fine, device)])
    seconds = (time.perf_counter() - began) / len(labels)
    return GridInterpolator(axes, fit_basis(flux, overwrite=True), wave=wave, device=device), seconds


def _surface_flux(labels, wave, device):
    """Flux of one model after the other; for a GPU all cores prepare them, which takes longer than the GPU's part."""
    if device != "cuda":
        yield from (synthesize(*label, wave=wave, device=device)[0] for label in labels)
        return
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as cores:
        for model in cores.map(_prepared, labels, chunksize=8):
            yield emerge(model, wave, device, len(wave))


def _prepared(label):
    return prepare(*label, a_M=0.0, C_M=0.0, N_M=0.0, v_micro=2.0, lines=load_lines(), bands=BANDS)


def write_data_set(folder, n_train, *, quick=False):
    """Noisy spectra of train, val and test stars: stars.parquet, wave.npy, flux.npy (N, P) float32; once a folder."""
    size = QUICK if quick else FULL
    done = folder / "done.json"
    about = {"n_train": n_train, "quick": quick}
    if done.is_file() and json.loads(done.read_text()) == about:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    grid, _ = make_grid(size)
    splits = {"train": n_train, "val": size["n_val"], "test": size["n_test"]}
    stars = pd.concat([sample_stars(n, split=split, seed=SEED) for split, n in splits.items()], ignore_index=True)
    with row_writer(folder / "flux.npy", (len(stars), len(grid.wave))) as write:
        for split, rows in stars.groupby("split", sort=False):
            for lo, hi in blocks(0, len(rows)):
                part = rows.iloc[lo:hi]
                flux = median_normalised(grid(part[list(grid.axes)].to_numpy()))
                error, _ = error_arrays(grid.wave, flux, part)
                noisy = add_noise(flux, error, level=NOISE_LEVEL, seed=SEED, split=split, rows=np.arange(lo, hi))
                write(noisy / row_median(noisy)[:, None])
    stars.to_parquet(folder / "stars.parquet")
    np.save(folder / "wave.npy", grid.wave)
    done.write_text(json.dumps(about))
    return folder
