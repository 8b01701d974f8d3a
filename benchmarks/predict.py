"""Spectra a second of ``gravispec predict`` after start-up, from a FITS file to rows of the catalogue, and its memory.

    python -m benchmarks.predict results/RUN [--spectra 10000]

The spectra are the run's mean spectrum with noise of its typical S/N, at its lowest noise level. They are read once on
the model's pixels and once with a radial velocity of 1 km/s, which takes resampling; a small file that starts the
reading process is not counted.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from astropy.io.fits import HDUList, ImageHDU, PrimaryHDU

from gravispec.predict import load_runs, predict_files


def write_images(path, level, n):
    """FLUX, ERROR (n, P) and WAVE (P,)."""
    rng = np.random.default_rng(0)
    fits = level.fits
    error = np.full((n, len(fits.wave)), 1 / level.about["snr_median"], np.float32)
    flux = fits.pca.mean.astype(np.float32) + error * rng.standard_normal(error.shape, np.float32)
    hdus = [PrimaryHDU(), ImageHDU(flux, name="FLUX"), ImageHDU(error, name="ERROR")]
    hdus.append(ImageHDU(fits.wave, name="WAVE"))
    hdus[0].header["VACUUM"] = True
    hdus[1].header["BUNIT"], hdus[3].header["BUNIT"] = "1", "Angstrom"
    HDUList(hdus).writeto(path)


def measure(run, path, velocity):
    """Spectra a second, and resident memory of both processes at the end, MB."""
    start = time.perf_counter()
    [(_, table, problem)] = predict_files([run], [path], velocity=velocity)
    seconds = time.perf_counter() - start
    if table is None:
        raise SystemExit(problem)
    processes = [psutil.Process(), *psutil.Process().children()]
    return len(table) / seconds, sum(process.memory_info().rss for process in processes) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--spectra", type=int, default=10_000)
    args = parser.parse_args()
    run, *_ = load_runs([args.run])  # at its lowest noise level
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.fits", Path(folder) / "many.fits"
        write_images(few, run.level, 100)
        write_images(many, run.level, args.spectra)
        for kind, velocity in (("same pixels", None), ("resampled", 1.0)):
            measure(run, few, velocity)
            rate, memory = measure(run, many, velocity)
            print(f"{kind:12} {rate:6.0f} /s {memory:6.0f} MB", flush=True)


if __name__ == "__main__":
    main()
