"""Every stage on one thread in memory: items a second, and the share of a limit of the machine.

The limits are measured in the same run: matrix products (GEMM, float64 and float32), copying memory (read and written),
and the disk (fsync; read with the cache dropped, though a virtual machine's host may have one). A share counts what the
stage has to multiply or move at least. Best of several calls. Synthesis has no such limit: it is exponentials and
Voigt profiles.
"""

import os

import numpy as np

from benchmarks.measure import fresh, rate
from benchmarks.spectra import FULL, NOISE_LEVEL, QUICK, SEED, make_grid

MIXTURE = {"n_features": 13, "n_hidden": 64, "n_experts": 9, "batch": 64, "n_fit": 5700}
N_MODELS = 7  # of the bootstrap, as the main job has


def measure(folder, *, quick):
    return fresh(stages, folder / "throughput", quick, threads=1).result


def stages(folder, quick):
    """Rows of the table, in one process of one thread."""
    folder.mkdir(parents=True, exist_ok=True)
    limits = measured_limits(folder, quick)
    rows = [
        {"what": f"limit: {name}", "rate": value / 1e9, "unit": unit, "threads": 1}
        for name, (value, unit) in limits.items()
    ]
    for what, unit, per_second, work, limit in [*spectra_stages(folder, quick), *model_stages(quick)]:
        row = {"what": what, "rate": per_second, "unit": unit, "threads": 1}
        if limit:
            row |= {"share": per_second * work / limits[limit][0], "limit": limit}
        rows.append(row)
    return rows


def measured_limits(folder, quick):
    """{name: (operations or bytes a second, unit of a thousand million of them)}."""
    n, size = (500, 10**6) if quick else (4000, 10**8)
    double = np.random.default_rng(SEED).normal(size=(n, n))
    single = double.astype(np.float32)
    source, target = np.ones(size), np.empty(size)
    path, block = folder / "disk.bin", np.ones(size, np.uint8)

    def write():
        with open(path, "wb") as file:
            file.write(block)
            os.fsync(file.fileno())

    def read():
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            file.readinto(block)

    return {
        "GEMM float64": (rate(lambda: double @ double, 2 * n**3), "GFlop/s"),
        "GEMM float32": (rate(lambda: single @ single, 2 * n**3), "GFlop/s"),
        "memory": (rate(lambda: np.copyto(target, source), 2 * source.nbytes), "GB/s"),
        "disk write": (rate(write, block.nbytes), "GB/s"),
        "disk read": (rate(read, block.nbytes), "GB/s"),
    }


def spectra_stages(folder, quick):
    """(what, unit, items a second, operations or bytes an item, limit) from synthesis to features."""
    from gravispec.data.arrays import RowReader, row_writer
    from gravispec.features import error as family_error
    from gravispec.features import quality, ridge, topk, window
    from gravispec.models.moments import Moments
    from gravispec.models.pca import pca_from_moments
    from gravispec.models.ridge import FoldFits, RidgeFit
    from gravispec.spectra.noise import add_noise
    from gravispec.spectra.normalise import continuum_normalised, median_normalised
    from gravispec.spectra.observing import error_arrays
    from gravispec.spectra.sampling import sample_stars

    n = 256 if quick else 2048
    grid, seconds = make_grid(QUICK if quick else FULL)
    yield "grid synthesis", "models/s", 1 / seconds, 0, None
    wave, P, K = grid.wave, len(grid.wave), len(grid.basis.components)
    stars = sample_stars(n, split="train", seed=SEED)
    labels = stars[list(grid.axes)].to_numpy()
    flux = median_normalised(grid(labels))
    sigma = NOISE_LEVEL * error_arrays(wave, flux, stars)[0]
    rows, keys = np.arange(n), {"level": 1.0, "seed": SEED, "split": "train"}
    noisy = add_noise(flux, sigma, rows=rows, **keys)

    def of_stars(what, function, work, limit):
        return what, "stars/s", rate(function, n), work, limit

    yield of_stars("interpolation in the grid", lambda: grid(labels), 2 * K * P, "GEMM float32")
    yield of_stars("division by the median", lambda: median_normalised(flux), 8 * P, "memory")
    yield of_stars("division by the continuum", lambda: continuum_normalised(flux, wave, 100.0), 8 * P, "memory")
    yield of_stars("error arrays", lambda: error_arrays(wave, flux, stars), 8 * P, "memory")
    yield of_stars("noise", lambda: add_noise(flux, sigma, rows=rows, **keys), 12 * P, "memory")

    def write():
        with row_writer(folder / "flux.npy", noisy.shape) as append:
            append(noisy)

    yield of_stars("writing spectra (cached)", write, 8 * P, "memory")
    yield of_stars("reading spectra (cached)", lambda: RowReader(folder / "flux.npy")[:], 8 * P, "memory")

    moments = Moments.empty(P)
    log_g = stars["log_g"].to_numpy()
    yield of_stars("moments", lambda: moments.add(noisy, log_g[:, None]), P * P, "GEMM float64")
    components = pca_from_moments(moments, min(96, P // 2))
    coef = np.random.default_rng(SEED).normal(size=P)
    fit = RidgeFit(coef, 0.0, 1.0, np.ones(1), np.ones(1), n)
    folds = FoldFits(np.stack([coef] * 5), np.zeros(5), rows % 5)
    in_pca = 2 * P * len(components.components)
    yield of_stars("family pca", lambda: components.transform(noisy), in_pca, "GEMM float64")
    yield of_stars("family ridge", lambda: ridge.features(noisy, rows, fit, folds, "cross_fit"), 8 * P, "memory")
    yield of_stars("family topk", lambda: topk.features(noisy, fit), 4 * topk.N_PIXELS, "memory")
    yield of_stars("family error", lambda: family_error.features(sigma), 4 * P, "memory")
    yield of_stars("family window", lambda: window.features(noisy, wave, components), 4 * P, "memory")
    yield of_stars("family quality", lambda: quality.features(noisy, sigma, components), 2 * in_pca, "GEMM float64")


def model_stages(quick):
    """The same for what comes after the features."""
    import pandas as pd

    from gravispec.evaluation.bootstrap import r2_resamples
    from gravispec.models.gates import fit_gate
    from gravispec.models.shrinkage import shrinkage_path

    rng = np.random.default_rng(SEED)
    P = 300 if quick else 4096
    A, B = np.asfortranarray(rng.normal(size=(P, P))), rng.normal(size=(P, 3))
    A += A.T
    A[np.diag_indices(P)] += 4 * np.sqrt(P)
    solved = rate(lambda: shrinkage_path(A.copy(order="F"), B, np.logspace(1, 5, 13)), 1, seconds=0)
    yield f"13 penalties of a {P} x {P} system", "systems/s", solved, 4 / 3 * P**3, "GEMM float64"

    n_fit, batch, epochs = 640 if quick else MIXTURE["n_fit"], MIXTURE["batch"], 5
    features, experts = rng.normal(size=(n_fit, MIXTURE["n_features"])), rng.normal(size=(n_fit, MIXTURE["n_experts"]))
    data = features, experts, experts.mean(axis=1)
    gate = {"mean": np.zeros(MIXTURE["n_features"]), "scale": np.ones(MIXTURE["n_features"]), "seed": SEED}
    training = {"hidden": MIXTURE["n_hidden"], "learning_rate": 1e-3, "epochs": epochs, "patience": 10, "batch": batch}
    steps = epochs * -(-n_fit // batch)
    flops = 6 * batch * MIXTURE["n_hidden"] * (MIXTURE["n_features"] + MIXTURE["n_experts"])  # forward, twice backward
    trained = rate(lambda: fit_gate("mlp", data, data, **gate, **training), steps)
    yield "training of the mlp gate", "steps/s", trained, flops, "GEMM float64"

    n, resamples = (500, 200) if quick else (5000, 10_000)
    log_g = rng.normal(size=n)
    models = pd.DataFrame({k: log_g + rng.normal(size=n) for k in range(N_MODELS)})
    drawn = rate(lambda: r2_resamples(log_g, models, resamples=resamples, seed=SEED), resamples, seconds=0)
    moved = 16 * n * (1 + N_MODELS)  # every value is gathered: read and written
    yield f"bootstrap of {N_MODELS} models, {n} stars", "resamples/s", drawn, moved, "memory"
