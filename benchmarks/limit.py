"""How the posterior converges: RMSE, pulls, effective draws and speed against the size of the bank and of a round.

    python -m benchmarks.limit results/spectra/lte results/grids/mr/grid.npz [--stars 1000]

on the test stars of a built-in data set of the default priors; stars with fewer than 50 effective draws are named.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from gravispec.config import load
from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.models.posterior import fit
from gravispec.spectra.forward import ForwardModel
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.observation import observe

LEVELS = (0.1, 0.2, 0.5, 1.0, 2.0)
SETTINGS = ({"bank": 1024}, {}, {"bank": 16384}, {"draws": 256}, {"draws": 2048}, {"components": 80}, {"degree": 2})
FEW = 50  # effective draws


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("spectra", type=Path)
    parser.add_argument("grid", type=Path)
    parser.add_argument("--stars", type=int, default=1000)
    args = parser.parse_args()
    config = load(yaml.safe_load(Path("config/config.yaml").read_text()))
    dataset = config.datasets[args.spectra.name]
    forward = ForwardModel(GridInterpolator.load(args.grid), dataset.labels.model_dump(exclude_none=True), config.seed)
    stars = pd.read_parquet(args.spectra / "stars.parquet").query("split == 'test'")[: args.stars]
    clean, error = (
        RowReader(args.spectra / "flux/test_0.npy"),
        ErrorRows(args.spectra / "error/test_0.npy", forward.wave),
    )
    clean, error, log_g = clean[: len(stars)], error[: len(stars)], stars["log_g"].to_numpy()
    how = {"seed": config.seed, "split": "test", "rows": np.arange(len(stars)), "wave": forward.wave}
    table = []
    for setting in SETTINGS:
        posterior = fit(forward, **setting)
        for level in LEVELS:
            flux, scale = observe(clean, error, level=level, **how, median="noisy", continuum=0)
            start = time.perf_counter()
            found = posterior.predict(flux, error * scale)
            seconds = time.perf_counter() - start
            delta, few = found["log_g"] - log_g, found["ess"] < FEW
            row = {"setting": str(setting), "level": level, "n": len(stars), "rmse": np.sqrt(np.mean(delta**2))}
            row |= {"pull_std": np.std(delta / found["sigma_log_g"]), "ess": np.median(found["ess"])}
            table.append(
                row | {"ess_1%": np.quantile(found["ess"], 0.01), "few": few.sum(), "per_s": len(stars) / seconds}
            )
            print(table[-1], "few:", *stars["star_id"][few][:5], flush=True)
    print(pd.DataFrame(table).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
