"""The heavy stages of `moe_100k`, and of one million stars, on one GPU: seconds, share of its peak, CPU/GPU agreement.

    python -m benchmarks.gpu [--stars 100000 1000000] [--check 50000]

Needs numpy, scipy, torch, pandas, pyarrow, pydantic, scikit-learn; no Snakemake. --check: training stars of the
comparison with NumPy on the CPU. A share of the peak is given where products or memory are the limit; synthesis, gates,
towers have none. Where there is no GPU it says so, measures none, and runs the same code at a small size with PyTorch
on the CPU.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
import torch

from benchmarks.experiment import Experiment
from benchmarks.measure import rate
from benchmarks.spectra import FULL, FWHM, QUICK, make_grid
from gravispec.evaluation.cells import scores
from gravispec.spectra.grid import GridInterpolator
from gravispec.spectra.instrument import fine_wave
from gravispec.spectra.lte.synthesis import synthesize

#: the grid of the main job
GRID = FULL | {"nodes": (10, 9, 14)}
MODELS = ((3750, 4.5, 0.0), (4500, 1.5, -1.0), (5750, 4.5, 0.0))  # of which the synthesis is compared: TiO, CN, the Sun
#: largest differences of log g, in units of its rms error, of R², and of the flux of a model, relative
LIMITS = {"d_log_g": 0.05, "d_r2": 1e-4, "d_flux": 1e-4}
N_FITS, N_FACTORISATIONS = 10, 5 * 13 + 1  # Ridges; 13 penalties a fold and the fit to all


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--check", type=int, default=50_000)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("No GPU here (torch.cuda.is_available() is False): nothing is measured on one.")
        print("The same code, PyTorch on the CPU against NumPy, small spectra:")
        warnings.filterwarnings("ignore", "alpha = .* is at the edge")  # so few spectra want hardly any penalty
        grid, _ = make_grid(QUICK)
        return report_agreement(grid, 1500, QUICK, device="cpu")
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}")
    make_grid(QUICK, device="cuda")  # start-up of CUDA and its libraries is not counted
    limits = measured_limits()
    print("  ".join(f"{name} {value / 1e9:,.0f} {unit}" for name, (value, unit) in limits.items()))
    start = time.perf_counter()
    grid, seconds = make_grid(GRID, device="cuda")
    synthesis = seconds * np.prod(GRID["nodes"])
    in_all = time.perf_counter() - start
    print(f"synthesis: {synthesis:.1f} s for {np.prod(GRID['nodes'])} models; with their compression {in_all:.1f} s")
    for n_train in options.stars:
        report_stages(grid, n_train, in_all, limits)
    return report_agreement(grid, options.check, GRID, device="cuda")


def measured_limits():
    """{name: (operations or bytes a second, unit of a thousand million of them)} of the card."""
    double = torch.rand(8192, 8192, dtype=torch.float64, device="cuda")
    source, target = torch.rand(2, 2**29, device="cuda")

    def product():
        double @ double
        torch.cuda.synchronize()

    def copy():
        target.copy_(source)
        torch.cuda.synchronize()

    return {
        "GEMM float64": (rate(product, 2 * 8192**3), "GFlop/s"),
        "memory": (rate(copy, 2 * 4 * 2**29), "GB/s"),
    }


def report_stages(grid, n_train, seconds_of_grid, limits):
    """The table of one size; a share counts what a stage has to multiply or move at least."""
    torch.cuda.reset_peak_memory_stats()
    experiment = Experiment(grid, n_train, n_val=GRID["n_val"], n_test=GRID["n_test"], device="cuda")
    log_g, models = experiment.run()
    seconds, n, P = experiment.clock.seconds, len(experiment.stars), len(grid.wave)
    covered = np.count_nonzero(experiment.train & (experiment.bins >= 0))
    least = {
        "interpolation": (4 * P * n, "memory"),  # flux written
        "noise": (12 * P * n, "memory"),  # flux and error read, flux written
        "moments": ((n_train + covered) * P**2, "GEMM float64"),
        "factorisation": (N_FITS * N_FACTORISATIONS * P**3 / 3, "GEMM float64"),
        "features": (2 * 4 * P * n, "memory"),
        "prediction": (2 * P * N_FITS * (n - n_train), "GEMM float64"),
    }
    rows = [
        {"stage": stage, "s": round(s, 2)}
        | ({"share": f"{work / s / limits[limit][0]:.1%}", "limit": limit} if stage in least else {})
        for stage, s in seconds.items()
        for work, limit in [least.get(stage, (0, None))]
    ]
    total = seconds_of_grid + sum(s for stage, s in seconds.items() if stage != "tower")
    print(f"\n{n_train:,} training stars, {torch.cuda.max_memory_allocated() / 1e9:.1f} GB on the card")
    print(pd.DataFrame(rows).fillna("").to_string(index=False))
    r2 = scores(log_g, models["mlp"])["r2"]
    print(f"all compute, the grid included, the tower not: {total:.1f} s; R² of mlp {r2:.4f}")


def report_agreement(grid, n_train, size, *, device):
    """Flux of models and log g of test stars, NumPy against the device: 0 where they agree within `LIMITS`, else 1."""
    fine = fine_wave(grid.wave, FWHM)
    model_flux = [[synthesize(*labels, wave=fine, device=where)[0] for labels in MODELS] for where in (None, device)]
    d_flux = np.abs(np.divide(*model_flux) - 1).max()
    print(f"flux of {len(MODELS)} models: largest relative difference {d_flux:.1e}")
    found = {}
    for where in (None, device):
        own = GridInterpolator(grid.axes, grid.basis, wave=grid.wave, device=where)
        experiment = Experiment(own, n_train, n_val=size["n_val"], n_test=size["n_test"], device=where)
        found[where] = experiment.run()
        print(f"{where or 'NumPy'}: {sum(experiment.clock.seconds.values()):.1f} s")
    table = agreement(found[None], found[device])
    print(table.to_string(index=False))
    largest = {"d_log_g": table["|Δ log g| / σ"].max(), "d_r2": table["ΔR²"].max(), "d_flux": d_flux}
    agree = all(largest[name] < limit for name, limit in LIMITS.items())
    limits = f"|Δ log g| < {LIMITS['d_log_g']} σ, ΔR² < {LIMITS['d_r2']:g}, flux to {LIMITS['d_flux']:g}"
    print(f"{'agree' if agree else 'DO NOT AGREE'}: {limits}")
    return 0 if agree else 1


def agreement(first, second):
    """A row a model: largest difference of log g in units of its rms error, and that of R²."""
    (log_g, models), (_, others) = first, second
    rows = []
    for name, predicted in models.items():
        sigma = np.sqrt(np.mean((predicted - log_g) ** 2))
        largest = np.abs(others[name] - predicted).max() / sigma
        d_r2 = abs(scores(log_g, others[name])["r2"] - scores(log_g, predicted)["r2"])
        rows.append({"model": name, "|Δ log g| / σ": largest, "ΔR²": d_r2})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    raise SystemExit(main())
