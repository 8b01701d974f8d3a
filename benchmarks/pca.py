"""The first 96 principal components of spectra on disk, in float64.

Imports and reading count. Agreement: sine of the largest angle between the subspaces of gravispec and of the other, for
the 30 components that are signal in these spectra, and for all 96, of which 66 are nearly degenerate noise.
"""

import numpy as np

from benchmarks.measure import in_turn
from benchmarks.patterns import N_PATTERNS, SEED, read_patterns, write_patterns


def measure(folder, *, quick):
    n, P, k = (400, 120, 40) if quick else (32_000, 4096, 96)
    data = write_patterns(folder / "pca", n, P)
    contenders = {
        "gravispec": (fit_gravispec, data, k),
        "PCA(covariance_eigh)": (fit_sklearn, data, k, "covariance_eigh"),
        "PCA(randomized)": (fit_sklearn, data, k, "randomized"),
    }
    runs = in_turn(contenders, threads=2, quick=quick)
    own = runs["gravispec"]
    return [
        {
            "what": name,
            "size": f"{n} x {P}, {k} components",
            "threads": 2,
            **run.costs(own),
            "agreement": "" if run is own else " and ".join(f"{sine(run, own, m):.0e}" for m in (N_PATTERNS, k)),
        }
        for name, run in runs.items()
    ]


def sine(run, own, m):
    """Of the largest angle between the spaces of the first m components (k, P) of two runs."""
    a, b = run.result[:m], own.result[:m]
    return np.linalg.norm(a - a @ b.T @ b, 2)


def fit_gravispec(folder, k):
    from gravispec.data.arrays import blocks
    from gravispec.models.moments import Moments
    from gravispec.models.pca import pca_from_moments

    flux, y = read_patterns(folder)
    moments = Moments.empty(flux.shape[1])
    for lo, hi in blocks(0, len(y)):
        moments.add(flux[lo:hi], y[lo:hi, None])
    return pca_from_moments(moments, k).components


def fit_sklearn(folder, k, solver):
    from sklearn.decomposition import PCA

    flux, _ = read_patterns(folder)
    return PCA(k, svd_solver=solver, random_state=SEED).fit(flux[:].astype(float)).components_
