"""How often each flag is set under every stress, by S/N: rates of detection, and of false alarms under stress none.

    python -m benchmarks.flags results/RUN [--stars 5000] [--parts 3] [--model MODEL] [--odd]

Reads the test stars of a finished run with built-in spectra: results/spectra, noise as in its stress.csv at its lowest
noise level. After the stresses come spectra that are not of one star.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.evaluation.stress import STRESSES, predicted
from gravispec.models.flags import BITS, OF_SPECTRUM
from gravispec.models.trained import TrainedRun
from gravispec.spectra import stress
from gravispec.spectra.normalise import running_continuum


def featureless(flux, wave):
    """The continuum alone."""
    return running_continuum(flux, wave, 300.0)


def with_emission(flux, wave):
    """Ca II in emission, of half the continuum, as wide as the spectrograph has it."""
    lines = np.exp(-0.5 * ((wave[:, None] - stress.CORES) / 0.8) ** 2).sum(axis=1)
    return flux + lines * (1.5 - flux)


def double_lined(flux, wave):
    """Of two stars as bright, 120 km/s apart."""
    return (stress.shifted(flux, wave, 60.0) + stress.shifted(np.roll(flux, 1, axis=0), wave, -60.0)) / 2


def empty(flux, wave):
    """Noise alone, of a fibre on the sky."""
    return np.full_like(flux, 1e-6)


ODD = {"featureless": featureless, "Ca II in emission": with_emission, "double-lined": double_lined, "noise": empty}


class Changed:
    """Rows of clean flux that are something else."""

    def __init__(self, clean, change, wave):
        self.clean, self.change, self.wave = clean, change, wave

    def __getitem__(self, rows):
        return self.change(self.clean[rows], self.wave).astype(np.float32)


def rates(table, rows):
    """Per cent of the ``rows`` of a catalogue with each flag, with any, and |Δ log g| > 0.3 without any."""
    flags = table["flags"].to_numpy()[rows]
    found = {name: np.mean(flags & BITS[name] > 0) for name in OF_SPECTRUM} | {"any": np.mean(flags > 0)}
    wrong = table["change"].abs().to_numpy()[rows] > 0.3
    return {name: 100 * share for name, share in found.items()} | {
        "change": table["change"].to_numpy()[rows].mean(),
        "wrong": 100 * wrong.mean(),
        "wrong, no flag": 100 * (wrong & (flags == 0)).mean(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--stars", type=int, default=5000)
    parser.add_argument("--parts", type=int, default=3, help="of equally many stars, by S/N")
    parser.add_argument("--model", help="of the run; by default that of its catalogue")
    parser.add_argument("--odd", action="store_true", help="no stress, only spectra that are not of one star")
    args = parser.parse_args()
    run = TrainedRun.load(args.run / "model.safetensors")
    about = run.about["config"]
    folder = args.run.parent / "spectra" / about["run"]["dataset"]
    clean, error = (RowReader(folder / "flux/test_0.npy"), ErrorRows(folder / "error/test_0.npy", run.wave))
    rows = slice(0, min(args.stars, len(clean)))
    level, leading = run.levels[0], args.model or run.about["leading"]
    spectra = {"fwhm": about["grid"]["fwhm"], "seed": about["seed"], "median": about["dataset"]["median"]}
    found = []
    for name in ["none", *ODD] if args.odd else [*STRESSES, *ODD]:
        flux = Changed(clean, ODD[name], run.wave) if name in ODD else clean
        name_of_stress = "none" if name in ODD else name
        table = predicted(level.only([leading]), name_of_stress, flux, error, rows, **spectra)[leading]
        if name == "none":
            log_g, part = table["log_g"], pd.qcut(table["snr"], args.parts, labels=False)
            print("median S/N:", table["snr"].groupby(part).median().round(0).tolist(), flush=True)
        table["change"] = table["log_g"] - log_g
        for p in [*range(args.parts), "all"]:
            found.append(
                {"stress": name, "S/N part": p, **rates(table, np.flatnonzero(part == p) if p != "all" else part >= 0)}
            )
    print(pd.DataFrame(found).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
