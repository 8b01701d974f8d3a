"""Error of a grid's interpolation on models that it has not seen: stars of a data set, synthesised directly.

    python -m benchmarks.emulator results/grids/survey/grid.npz survey [--n 300]

Of normalised flux (flux over its median), rms over the pixels of a star, in the median and in 95 % of the stars.
"""

import argparse

import numpy as np
import yaml
from tqdm import tqdm

from gravispec.config.schema import load
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.instrument import fine_wave, response
from gravispec.spectra.lte.synthesis import synthesize
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.sampling import drawn_stars

SEED = 99  # of no data set
GROUPS = {
    "all": "T_eff > 0",
    "cool dwarfs": "T_eff < 4500 and log_g >= 3.6",
    "cool giants": "T_eff < 4500 and log_g < 3.6",
    "dwarfs": "4500 <= T_eff < 6000 and log_g >= 3.6",
    "giants": "4500 <= T_eff < 6000 and log_g < 3.6",
    "above 6000 K": "T_eff >= 6000",
}


def synthesised(stars, names, wave, settings):
    """Surface flux (n, P) of the stars, by the synthesis itself."""
    fine = fine_wave(wave, settings.fwhm)
    instrument = response(fine, wave, settings.fwhm)
    flux = np.empty((len(stars), len(wave)))
    for row, values in enumerate(tqdm(stars[names].to_numpy(), unit="model")):
        labels = {"v_micro": settings.v_micro} | dict(zip(names, values.tolist(), strict=True))
        if "C_O" in labels:
            labels["C_M"] = labels["a_M"] + labels.pop("C_O")
        flux[row] = instrument @ synthesize(**labels, wave=fine)[0]
    return flux


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grid")
    parser.add_argument("dataset")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--config", default="config/config.yaml")
    asked = parser.parse_args()
    with open(asked.config) as file:
        config = load(yaml.safe_load(file))
    dataset, grid = config.datasets[asked.dataset], GridInterpolator.load(asked.grid)
    labels = dataset.labels.model_dump(exclude_none=True)
    stars = drawn_stars(asked.n, labels=labels, names=grid.names, split="unseen", seed=SEED)
    truth = median_normalised(synthesised(stars, grid.names, grid.wave, config.grids[dataset.grid]))
    found = median_normalised(grid(stars[grid.names].to_numpy()))
    stars["rms"] = np.sqrt(np.square(found - truth).mean(axis=1))
    print("| stars | n | median | 95 % | largest |\n|---|---|---|---|---|")
    for name, group in GROUPS.items():
        rms = stars.query(group)["rms"]
        if len(rms):
            print(f"| {name} | {len(rms)} | {rms.median():.1e} | {rms.quantile(0.95):.1e} | {rms.max():.1e} |")


if __name__ == "__main__":
    main()
