"""Local tower: windows of the spectrum around the pixels that the Ridge weighs most correct it (method.md section 10).

    y = y_ridge + MLP(convolutions of the windows)

Windows, convolutions and their 27,873 parameters: ``gravispec.models.windows``. The last layer starts at zero: training
starts from the Ridge, and the state kept is never worse than it on the validation stars.
"""

from typing import Literal

import torch

from gravispec.models.correction import Correction, fit_correction, zeros
from gravispec.models.training import layers
from gravispec.models.windows import Windows, window_pixels
from gravispec.options import Count, Layers, NotNegative, Rate, Share

LABELS = ("log_g",)
NEEDS = ("ridge",)
DECLARES = ("curve",)
COST = {"seconds": 60, "ms": 25, "MB": 1100, "spectra": 2.5}


class LocalTower(Correction):
    """Windows (W, width) of flux (B, P), and the Ridge's log g among the features (B, D), to log g (B,)."""

    def __init__(self, pixels, mean, scale, *, ridge_column, segments, hidden, dropout):
        super().__init__(ridge_column=ridge_column, segments=segments, hidden=list(hidden), dropout=dropout)
        self.windows = Windows(pixels, mean, scale, segments)
        self.head = layers((self.windows.size, *hidden, 1), torch.nn.ReLU, dropout=dropout)
        zeros(self.head[-1])

    def forward(self, flux, features):
        return features[:, self.shape["ridge_column"]] + self.head(self.windows(flux))[:, 0]

    def predict(self, flux, features):
        """log g (m,)."""
        return {"log_g": self.log_g(flux, features)}


def fit(
    flux,
    features,
    labels,
    ridge,
    *,
    windows: Count = 256,
    width: Count = 17,
    spacing: Count = 1,
    segments: Count = 8,
    hidden: Layers = (32, 16),
    dropout: Share = 0.0,
    families: tuple[str, ...] = ("ridge",),
    ridge_mode: Literal["in_sample", "cross_fit"] = "cross_fit",
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
    """``LocalTower``, trained on the mean absolute error with AdamW; the validation stars stop it.

    ``windows`` of ``width`` pixels, their centres ``spacing`` pixels apart at least. Learning rate, loss, batch and
    parameters are the published ones. Raises ``InputError`` where the spectra have not so many windows.
    """
    pixels = window_pixels(ridge.first().coef, windows=windows, width=width, spacing=spacing)
    column = features.columns.index("ridge_00")

    def make(mean, scale):
        shape = {"ridge_column": column, "segments": segments, "hidden": hidden, "dropout": dropout}
        return LocalTower(pixels, mean, scale, **shape)

    return fit_correction(
        make, flux, features, labels, learning_rate=learning_rate, weight_decay=weight_decay, batch=batch,
        epochs=epochs, patience=patience, seed=seed, device=device, threads=threads, checkpoint=checkpoint,
    )  # fmt: skip
