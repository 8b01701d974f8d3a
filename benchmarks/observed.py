"""Spectra a second from users' files to batches on the model's pixels (gravispec.observed), and their memory.

    python -m benchmarks.observed [--spectra 4000]

A row a layout and velocity: spectra a second of wall-clock and of CPU time (both processes), peak resident memory of
this process and of the one that opens the file. The first batch, which has the start of that process, is not counted.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from astropy.io import fits

from gravispec.observed.read import prepared_batches

WAVE = 7100.2136 + 0.42725 * np.arange(4096)  # Å


def write_images(path, n, rng):
    """FLUX, ERROR (n, P) and WAVE (P,)."""
    flux = rng.normal(1, 0.1, (n, len(WAVE))).astype(np.float32)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(flux, name="FLUX"), fits.ImageHDU(0 * flux + 0.1, name="ERROR")]
    hdus.append(fits.ImageHDU(WAVE, name="WAVE"))
    hdus[0].header["VACUUM"] = True
    hdus[1].header["BUNIT"], hdus[3].header["BUNIT"] = "1", "Angstrom"
    fits.HDUList(hdus).writeto(path)


def write_table(path, n, rng):
    """A row a spectrum, 1 % of the pixels masked."""
    flux = rng.normal(1, 0.1, (n, len(WAVE))).astype(np.float32)
    error = np.where(rng.random(flux.shape) < 0.01, np.nan, np.float32(0.1))
    wave = np.broadcast_to(WAVE, flux.shape)
    columns = [("wave", "D", "Angstrom", wave), ("flux", "E", "nJy", flux), ("error", "E", "nJy", error)]
    columns = [fits.Column(name, f"{len(WAVE)}{code}", unit, array=a) for name, code, unit, a in columns]
    hdu = fits.BinTableHDU.from_columns([fits.Column("id", "K", array=np.arange(n)), *columns])
    hdu.header["VACUUM"] = True
    hdu.writeto(path)


def cpu(processes):
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(path, velocity):
    """Spectra a second (wall-clock, CPU) and peak memory in MB (here, reading process)."""
    batches = prepared_batches(path, WAVE, velocity=velocity)
    next(batches)
    processes = [psutil.Process(), *psutil.Process().children()]
    start, start_cpu, n, memory = time.perf_counter(), cpu(processes), 0, np.zeros(len(processes))
    for batch in batches:
        n += len(batch.flux)
        memory = np.maximum(memory, [process.memory_info().rss / 1e6 for process in processes])
    return n / (time.perf_counter() - start), n / (cpu(processes) - start_cpu), *memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spectra", type=int, default=4000)
    n = parser.parse_args().spectra
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("images", write_images), ("table", write_table)):
            path = Path(folder) / f"{name}.fits"
            write(path, n, np.random.default_rng(0))
            ids = np.char.add(f"{name}_", np.char.zfill(np.arange(n).astype(str), 7)) if name == "images" else range(n)
            each = {str(star): 0.01 * i for i, star in enumerate(ids)}
            for kind, velocity in (("same pixels", None), ("one velocity", 30.0), ("a velocity each", each)):
                wall, busy, here, there = measure(path, velocity)
                print(
                    f"{name:7} {kind:16} {wall:6.0f} /s  {busy:6.0f} /CPU s  {here:4.0f} + {there:4.0f} MB", flush=True
                )


if __name__ == "__main__":
    main()
