"""What each step of the forward model brings on observed stars: the posterior of one model after the other.

    python -m benchmarks.real_stars_steps SPECTRA.npz LABELS.csv results/grids/survey/grid.npz

Files as in `benchmarks.real_stars`. No network is trained: every step is the exact posterior by its own forward model.
"""

import argparse

import numpy as np
import pandas as pd
import yaml

from benchmarks.real_stars import ERROR, differences, spectrum, statistics
from gravispec.config.schema import load
from gravispec.models.posterior import fit
from gravispec.observed.prepared import prepare
from gravispec.observed.reading import Reading
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator

SCALED_SOLAR = (0.0, 0.0, 0.0, 2.0)  # [α/M], [C/O], [N/M], v_micro
COMPONENTS = 120
TELESCOPE = ("slope", "curvature", "E_BV", "velocity", "v_sin_i", "resolution", "wide", "constant", "error_factor")
CORES = ("core", "core_error")
MODEL = ("smooth", "model_error")


class ThreeLabels:
    """A grid at fixed other labels."""

    def __init__(self, grid, others):
        self.grid, self.fixed = grid, np.array(others)
        self.axes, self.wave, self.others, self.names = grid.axes, grid.wave, None, list(grid.axes)

    def __call__(self, labels):
        return self.grid(np.hstack([labels, np.tile(self.fixed, (len(labels), 1))]))


def steps(grid, scales):
    """Name of each step, its grid, nuisances and whether windows of sky and tellurics are left out."""
    found, three = {}, ThreeLabels(grid, SCALED_SOLAR)
    found["three labels"] = three, (), False
    found["+ continuum, velocity, widths of lines"] = three, TELESCOPE, False
    found["+ tellurics left out"] = three, TELESCOPE, True
    found["+ [α/M], [C/M], [N/M], ξ"] = grid, TELESCOPE, True
    found["+ cores of Ca II"] = grid, TELESCOPE + CORES, True
    found["+ model errors: `survey`"] = grid, TELESCOPE + CORES + MODEL, True
    none = {name: [] if name == "windows" else 0.0 for name in scales}
    for name, (of_step, keys, masked) in found.items():
        yield name, of_step, none | {key: scales[key] for key in keys}, masked


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("spectra", "labels", "grid"):
        parser.add_argument(name)
    parser.add_argument("--config", default="config/config.yaml")
    asked = parser.parse_args()
    spectra, stars = np.load(asked.spectra, allow_pickle=False), pd.read_csv(asked.labels)
    grid = GridInterpolator.load(asked.grid)
    with open(asked.config) as file:
        config = load(yaml.safe_load(file))
    survey, fwhm = config.datasets["survey"], config.grids["survey"].fwhm
    labels, scales = survey.labels.model_dump(exclude_none=True), survey.nuisances.model_dump()
    for name, of_step, nuisances, masked in steps(grid, scales):
        forward = ForwardModel(of_step, labels, config.seed, {"scales": nuisances, "fwhm": fwhm})
        posterior, tables = fit(forward, components=COMPONENTS), []
        for star in stars.itertuples():
            windows = tuple(map(tuple, scales["windows"])) if masked else ()
            options = {"velocity": float(star.rv_resid_kms), "fwhm": float(star.fwhm_A), "medium": star.medium}
            reading = Reading(error=ERROR, least=0.1, windows=windows, model_fwhm=fwhm, **options)
            one = prepare(spectrum(spectra, star, 0, np.inf), star.name, grid.wave, reading)
            tables.append(pd.DataFrame(posterior.predict(one.flux, one.error, ~one.filled)))
        table = differences(pd.concat(tables, ignore_index=True).assign(flags=0), stars)
        print(f"\n{name}", *statistics(table), sep="\n", flush=True)


if __name__ == "__main__":
    main()
