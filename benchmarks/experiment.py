"""What `moe_100k` computes, from a grid to log g of the test stars, in memory on one device, stage by stage."""

import time
from collections import defaultdict
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas as pd

from benchmarks.end_to_end import CV, EDGES, N_BINS, mixture
from benchmarks.naive_moe import ALPHAS
from benchmarks.spectra import NOISE_LEVEL, SEED
from gravispec.data.arrays import blocks
from gravispec.device import host
from gravispec.features import quality, window
from gravispec.labels import LABELS
from gravispec.models.bins import Bins
from gravispec.models.moments import fold_moments, fold_of_row, pool
from gravispec.models.pca import N_COMPONENTS, pca_from_moments
from gravispec.models.ridge import cross_fit_from_moments, ridge_cv, ridge_from_moments
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import median_normalised, row_median
from gravispec.spectra.observing import error_of, error_parameters, snr_of
from gravispec.spectra.sampling import sample_stars

TOWER_STARS = 32_000


class Clock:
    """Seconds of every stage; work on a GPU is waited for."""

    def __init__(self, device):
        self.device, self.seconds = device, defaultdict(float)

    @contextmanager
    def __call__(self, stage):
        start = time.perf_counter()
        yield
        if self.device == "cuda":
            import torch

            torch.cuda.synchronize()
        self.seconds[stage] += time.perf_counter() - start


class Experiment:
    """Spectra, Ridges, features, gates and predictions of one data set; ``clock`` has the seconds of its stages."""

    def __init__(self, grid, n_train, *, n_val, n_test, device):
        self.grid, self.device, self.clock = grid, device, Clock(device)
        splits = {"train": n_train, "val": n_val, "test": n_test}
        self.stars = pd.concat([sample_stars(n, split=s, seed=SEED) for s, n in splits.items()], ignore_index=True)
        self.train = (self.stars["split"] == "train").to_numpy()
        self.bins = Bins(**EDGES).of(self.stars["T_eff"], self.stars["M_H"])
        self.flux, self.parameters = [], []  # a block of rows each
        for split, rows in self.stars.groupby("split", sort=False):
            for lo, hi in blocks(0, len(rows)):
                self._observe(rows.iloc[lo:hi], split, np.arange(lo, hi))

    def _observe(self, stars, split, rows):
        wave, device = self.grid.wave, self.device
        with self.clock("interpolation"):
            clean = median_normalised(self.grid(stars[list(self.grid.axes)].to_numpy()))
            parameters = error_parameters(wave, clean, stars)
            snr_of(wave, parameters, device=device)  # a column of the table of stars, which nothing here reads
        with self.clock("noise"):
            error = error_of(wave, parameters, device=device)
            noisy = add_noise(clean, error, level=NOISE_LEVEL, seed=SEED, split=split, rows=rows)
            noisy /= row_median(noisy)[:, None]
        self.flux.append(noisy)
        self.parameters.append(parameters)

    def chunks(self, keep):
        """Flux and labels of the stars of a mask, block by block."""
        labels, stop = self.stars[list(LABELS)].to_numpy(), 0
        for block in self.flux:
            start, stop = stop, stop + len(block)
            rows = np.flatnonzero(keep[start:stop])
            if len(rows):
                yield block[rows], labels[start + rows]

    def run(self):
        """True log g (n,) of the covered test stars, and that of every model, ``{model: (n,)}``."""
        n_train, clock = int(self.train.sum()), self.clock
        with clock("moments"):
            folds = fold_moments(self.chunks(self.train), n_train, **CV, device=self.device)
        with clock("factorisation"):
            ridge, _ = cross_fit_from_moments(folds, fold_of_row(n_train, **CV), alphas=ALPHAS)
            pca = pca_from_moments(pool(folds), N_COMPONENTS)
        fits = [ridge, *map(self._expert, range(N_BINS))]
        with clock("features"):
            features = np.concatenate([host(window.features(block, self.grid.wave, pca)) for block in self.flux])
            for block, parameters in zip(self.flux, self.parameters, strict=True):
                quality.features(block, NOISE_LEVEL * error_of(self.grid.wave, parameters, device=self.device), pca)
        with clock("prediction"):
            log_g = np.zeros((len(self.stars), len(fits)))
            log_g[~self.train] = np.concatenate(
                [np.stack([fit.predict(X)[:, 0] for fit in fits], axis=1) for X, _ in self.chunks(~self.train)]
            )
        with clock("gates"):
            found = mixture(self.stars, features, log_g, device=self.device or "cpu")
        self._tower(pca, ridge)
        return found

    def _expert(self, k):
        keep = self.train & (self.bins == k)
        n = int(keep.sum())
        if n < len(self.grid.wave):  # dual form
            with self.clock("factorisation"):
                return ridge_cv(self.chunks(keep), n, alphas=ALPHAS, **CV, device=self.device)
        with self.clock("moments"):
            folds = fold_moments(self.chunks(keep), n, **CV, device=self.device)
        with self.clock("factorisation"):
            return ridge_from_moments(folds, alphas=ALPHAS)

    def _tower(self, pca, ridge):
        """One tower on the components and the Ridge of at most `TOWER_STARS` stars; no part of `moe_100k`."""
        from gravispec.models import tower

        first = self.train & (np.cumsum(self.train) <= TOWER_STARS)
        columns = [*(f"pca_{i}" for i in range(N_COMPONENTS)), "ridge_00"]
        features, labels = SimpleNamespace(columns=columns), SimpleNamespace()
        for part, keep in (("train", first), ("val", (self.stars["split"] == "val").to_numpy())):
            rows = [(np.c_[host(pca.transform(X)), ridge.predict(X)[:, 0]], y) for X, y in self.chunks(keep)]
            for values, found in zip((features, labels), zip(*rows, strict=True), strict=True):
                setattr(values, part, np.concatenate(found))
        with self.clock("tower"):
            tower.fit(features, labels, seeds=1, seed=SEED, device=self.device or "cpu")
