"""What masked pixels do to the labels of a trained run: shift, coverage, flags; for docs/calibration.md.

    python -m benchmarks.masks results/RUN [--stars 1000]

The first test stars of the run get every mask of `MASKS`. Before: pixels filled from their neighbours alone.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.evaluation.residuals import scatter
from gravispec.labels import LABELS
from gravispec.models.flags import BITS
from gravispec.predict import load_runs
from gravispec.spectra.neighbours import fill
from gravispec.spectra.normalise import row_median

SEED = 1
CORES = (8500.4, 8544.4, 8664.5)  # Å, vacuum


def windows(*limits):
    return lambda wave, n, rng: np.tile(np.any([(wave >= a) & (wave <= b) for a, b in limits], axis=0), (n, 1))


def share(fraction):
    return lambda wave, n, rng: rng.random((n, len(wave))) < fraction


def cosmics(wave, n, rng):
    """Runs of 3 pixels, 1 % of all."""
    first = rng.random((n, len(wave))) < 1 / 300
    return first | np.roll(first, 1, axis=1) | np.roll(first, 2, axis=1)


MASKS = {
    "none": windows(),
    "8544 ± 3 Å": windows((CORES[1] - 3, CORES[1] + 3)),
    "three Ca II cores ± 3 Å": windows(*((c - 3, c + 3) for c in CORES)),
    "three Ca II cores ± 1.5 Å": windows(*((c - 1.5, c + 1.5) for c in CORES)),
    "Ca II windows of the gates": windows((8490, 8510), (8530, 8555), (8650, 8675)),
    "Na I 8180–8200 Å": windows((8180, 8200)),
    "8300–8400 Å": windows((8300, 8400)),
    "8480–8580 Å": windows((8480, 8580)),
    "above 8700 Å": windows((8700, np.inf)),
    "random 1 %, runs of 3": cosmics,
    "random 4 %": share(0.04),
    "random 20 %": share(0.2),
}


def stars_of(folder, one, n):
    """Predictions, noisy flux and its 1σ of the first n test stars of a finished run at a noise level."""
    about, dataset = one.level.about, one.run.about["config"]["run"]["dataset"]
    level = about["noise_level"]
    results = folder.parent

    def shards(where):
        return sorted(where.glob("test_*.npy"), key=lambda path: int(re.findall(r"\d+", path.stem)[-1]))

    cell = f"split == 'test' and noise_level == {level} and n_train == {about['n_train']}"
    table = pd.read_parquet(folder / "predictions.parquet").query(cell).reset_index(drop=True)[:n]
    flux = RowReader(shards(results / f"noisy/{dataset}/noise_{level}"))[: len(table)]
    return table, flux, ErrorRows(shards(results / f"noisy/{dataset}/noise_{level}/sigma"), one.run.wave)[: len(table)]


def predicted(one, *spectra):
    flux, error, *measured = spectra
    return one.level.predict(flux, error, one.model, *measured)


def covered(found, table, label, confidence):
    low, high = found[f"{label}_lo{confidence}"], found[f"{label}_hi{confidence}"]
    return ((low <= table[label]) & (table[label] <= high)).mean()


def row(one, mask, table, flux, error, whole):
    """One line of the table."""
    missing = mask(one.run.wave, len(flux), np.random.default_rng(SEED))
    flux, error = np.where(missing, np.nan, flux), error.copy()
    fill(flux, error, missing)
    median = row_median(flux)[:, None]
    flux, error = flux / median, error / median
    before, found = predicted(one, flux, error), predicted(one, flux, error, ~missing)
    cells = [f"{missing.mean():.1%}"]
    for rows in (before, found):
        moved = rows["log_g"] - whole["log_g"]
        cells.append(f"{moved.median():+.3f}, {scatter(moved.to_numpy()):.3f}")
    cells += [f"{covered(rows, table, 'log_g', 68):.3f}, {covered(rows, table, 'log_g', 95):.3f}" for rows in (before,)]
    cells += [f"{covered(found, table, label, 68):.3f}, {covered(found, table, label, 95):.3f}" for label in LABELS]
    cells += [f"{(found['log_g'] - table['log_g']).median():+.3f}", f"{found['fill_cost'].median():.2f}"]
    return [*cells, f"{(found['flags'] & BITS['MASKED'] > 0).mean():.1%}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--stars", type=int, default=1000)
    args = parser.parse_args()
    one, *_ = load_runs([args.run])  # at its lowest noise level
    table, flux, error = stars_of(args.run, one, args.stars)
    whole = predicted(one, flux, error)
    head = [
        "mask",
        "pixels",
        "shift of log g before: median, σ_MAD",
        "now",
        "coverage of log g before: 68, 95 %",
        "now",
    ]
    head += ["T_eff", "[M/H]", "bias of log g", "cost", "flagged for cost"]
    print(
        f"{one.run.about['run']}, {one.model}, {len(table)} test stars\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}"
    )
    for name, mask in MASKS.items():
        print(f"| {name} | {' | '.join(row(one, mask, table, flux, error, whole))} |", flush=True)


if __name__ == "__main__":
    main()
