"""Dual tower: windows of the spectrum and global features F1–F4 correct the Ridge together (method.md section 10).

    y = y_ridge + fused(global tower of the features, local tower of the windows)

``late``: the last hidden layers of both, 64 and 32 numbers, go through one more layer. ``gated``: each tower gives its
own correction, and a small network of both hidden layers weighs them star by star, y = y_ridge + g Δ_global +
(1 - g) Δ_local with 0 < g < 1. Last layers start at zero: training starts from the Ridge, and the state kept is never
worse than it on the validation stars.
"""

from typing import Literal

import torch

from gravispec.models.correction import Correction, fit_correction, zeros
from gravispec.models.tower import standardisation
from gravispec.models.training import layers, load_arrays
from gravispec.models.windows import Windows, window_pixels
from gravispec.options import Count, Layers, NotNegative, Rate, Share

LABELS = ("log_g",)
NEEDS = ("ridge",)
DECLARES = ("curve",)
COST = {"seconds": 60, "ms": 30, "MB": 1100, "spectra": 2.5}
LOCAL, FUSED, GATE = 32, 32, 16  # hidden units: of the local tower, and of what fuses


class DualTower(Correction):
    """Flux (B, P) and features (B, D), one of them the Ridge's log g, to log g (B,).

    pixels (W, width), mean, scale (P,) : of the windows
    centre, unit (D,) : standardise the features
    """

    def __init__(self, pixels, mean, scale, centre, unit, *, fusion, ridge_column, segments, hidden, dropout):
        shape = {"segments": segments, "hidden": list(hidden), "dropout": dropout}
        super().__init__(fusion=fusion, ridge_column=ridge_column, **shape)
        self.register_buffer("centre", torch.as_tensor(centre, dtype=torch.float32))
        self.register_buffer("unit", torch.as_tensor(unit, dtype=torch.float32))
        self.windows = Windows(pixels, mean, scale, segments)
        both = hidden[-1] + LOCAL
        self.global_tower = after(layers((len(centre), *hidden), torch.nn.ReLU, dropout=dropout), dropout)
        self.local_tower = after(torch.nn.Linear(self.windows.size, LOCAL), dropout)
        if fusion == "late":
            self.fused = layers((both, FUSED, 1), torch.nn.ReLU)
            zeros(self.fused[-1])
        else:
            self.of_global, self.of_local = torch.nn.Linear(hidden[-1], 1), torch.nn.Linear(LOCAL, 1)
            self.gate = layers((both, GATE, 1), torch.nn.ReLU)
            zeros(self.of_global)
            zeros(self.of_local)

    def forward(self, flux, features):
        of_features = self.global_tower((features - self.centre) / self.unit)
        of_windows = self.local_tower(self.windows(flux))
        both = torch.cat([of_features, of_windows], dim=1)
        if self.shape["fusion"] == "late":
            correction = self.fused(both)
        else:
            g = torch.sigmoid(self.gate(both))
            correction = g * self.of_global(of_features) + (1 - g) * self.of_local(of_windows)
        return features[:, self.shape["ridge_column"]] + correction[:, 0]

    def predict(self, flux, features):
        """log g (m,)."""
        return {"log_g": self.log_g(flux, features)}

    @classmethod
    def build(cls, header, arrays):
        given = ("windows.pixels", "windows.mean", "windows.scale", "centre", "unit")
        return load_arrays(cls(*(arrays[name] for name in given), **header), arrays)


def after(layer, dropout):
    """The layer with ReLU and dropout after it."""
    return torch.nn.Sequential(layer, torch.nn.ReLU(), torch.nn.Dropout(dropout))


def fit(
    flux,
    features,
    labels,
    ridge,
    *,
    fusion: Literal["late", "gated"] = "late",
    families: tuple[str, ...] = ("pca", "ridge", "topk", "error"),
    ridge_mode: Literal["in_sample", "cross_fit"] = "cross_fit",
    windows: Count = 256,
    width: Count = 17,
    spacing: Count = 1,
    segments: Count = 8,
    hidden: Layers = (256, 64),
    dropout: Share = 0.3,
    learning_rate: Rate = 3e-3,
    weight_decay: NotNegative = 0.01,
    batch: Count = 2048,
    epochs: Count = 100,
    patience: Count = 20,
    seed,
    device,
    threads=1,
    checkpoint=None,
):
    """``DualTower``: both towers are trained at once on the mean absolute error; the validation stars stop them.

    ``hidden`` and ``families`` are of the global tower (``gravispec.models.tower``), windows and segments of the local
    one (``gravispec.models.local_tower``).
    """
    pixels = window_pixels(ridge.first().coef, windows=windows, width=width, spacing=spacing)
    column, (centre, unit) = features.columns.index("ridge_00"), standardisation(features.train)

    def make(mean, scale):
        shape = {"ridge_column": column, "segments": segments, "hidden": hidden, "dropout": dropout}
        return DualTower(pixels, mean, scale, centre, unit, fusion=fusion, **shape)

    return fit_correction(
        make, flux, features, labels, learning_rate=learning_rate, weight_decay=weight_decay, batch=batch,
        epochs=epochs, patience=patience, seed=seed, device=device, threads=threads, checkpoint=checkpoint,
    )  # fmt: skip
