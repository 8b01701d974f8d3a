"""Global feature tower: a small network on features of the spectrum that corrects the Ridge (method.md section 5).

    y = y_ridge + MLP((features - mean) / scale),   D → 256 → 64 → 1, ReLU and dropout after the hidden layers

y_ridge is the column of family ``ridge`` among the D features. 49,025 parameters for D = 126 (F1–F4), 47,745 for 121
(F1–F3), 41,601 for 97 (F1, F2). On the CPU training runs on one thread, so that a seed gives the same tower, bit for
bit, on any number of cores. CUDA draws other dropout masks: there a seed gives another of the equally good towers.
"""

from typing import Literal

import numpy as np
import torch

from gravispec.models.model import Model
from gravispec.models.training import arrays_of, layers, load_arrays, n_parameters, seeded, shuffles, train
from gravispec.options import Count, Layers, NotNegative, Rate, Share

LABELS = ("log_g",)
NEEDS = ("ridge",)
DECLARES = ("curve",)
COST = {"seconds": 20, "ms": 0.5, "MB": 700}


class GlobalFeatureMLP(torch.nn.Module):
    """Features (B, D) to log g (B,), dex. ``mean`` and ``scale`` (D,) standardise; ``ridge_column`` holds y_ridge."""

    def __init__(self, mean, scale, ridge_column, *, hidden, dropout):
        super().__init__()
        self.shape = {"ridge_column": ridge_column, "hidden": list(hidden), "dropout": dropout}
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))
        self.net = layers((len(mean), *hidden, 1), torch.nn.ReLU, dropout=dropout)

    def forward(self, features):
        correction = self.net((features - self.mean) / self.scale)  # (B, 1)
        return features[:, self.shape["ridge_column"]] + correction[:, 0]

    @torch.no_grad()
    def predict(self, features):
        """NumPy in, NumPy out: features (N, D), log g (N,) float64."""
        self.eval()
        return self(torch.as_tensor(np.asarray(features, np.float32))).numpy().astype(np.float64)


class Towers(Model):
    """One tower a seed; the first predicts, the others say how much the seed matters."""

    def __init__(self, towers, about=None):
        self.towers, self.about = towers, about or {}

    def predict(self, features):
        """log g (m,) of the first tower; of every one as ``seed`` (m, S)."""
        found = np.stack([tower.predict(features) for tower in self.towers], axis=1)
        return {"log_g": found[:, 0], "seed": found}

    def state(self):
        arrays = {k: v for i, tower in enumerate(self.towers) for k, v in arrays_of(tower, f"{i}.").items()}
        return {"n": len(self.towers), **self.towers[0].shape}, arrays

    @classmethod
    def build(cls, header, arrays):
        n, column = header.pop("n"), header.pop("ridge_column")
        empty = [GlobalFeatureMLP(arrays["0.mean"], arrays["0.scale"], column, **header) for _ in range(n)]
        return cls([load_arrays(tower, arrays, f"{i}.") for i, tower in enumerate(empty)])


def standardisation(features):
    """Mean and standard deviation (D,) of training features (N, D); a constant feature becomes 0, not noise."""
    features = np.asarray(features, np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, np.inf)


def fit(
    features,
    labels,
    *,
    families: tuple[str, ...] = ("pca", "ridge", "topk", "error"),
    ridge_mode: Literal["in_sample", "cross_fit"] = "cross_fit",
    hidden: Layers = (256, 64),
    dropout: Share = 0.3,
    learning_rate: Rate = 1e-3,
    weight_decay: NotNegative = 0.0,
    batch: Count = 2048,
    epochs: Count = 100,
    patience: Count = 20,
    seeds: Count = 3,
    seed,
    device,
):
    """``Towers``, trained on the mean absolute error with Adam; the validation stars stop them.

    The defaults are the published ones, but for ``ridge_mode``: the published Ridge predictions of the training stars
    are ``in_sample``.
    """
    torch.set_num_threads(1)
    column = features.columns.index("ridge_00")
    parts = [(features.train, labels.train[:, 0]), (features.val, labels.val[:, 0])]
    mean, scale = standardisation(features.train)
    tensors = [[torch.as_tensor(a, dtype=torch.float32, device=device) for a in part] for part in parts]
    (x, y), (x_val, y_val) = tensors
    l1, towers, curves = torch.nn.functional.l1_loss, [], []
    for own in range(seed, seed + seeds):
        with seeded(own, device):
            tower = GlobalFeatureMLP(mean, scale, column, hidden=hidden, dropout=dropout).to(device)
            curve, _ = train(
                tower,
                len(y),
                step_loss=lambda rows, tower=tower: l1(tower(x[rows]), y[rows]),
                stop_loss=lambda tower=tower: l1(tower(x_val), y_val).item(),
                optimiser=torch.optim.Adam(tower.parameters(), lr=learning_rate, weight_decay=weight_decay),
                batch=batch,
                epochs=epochs,
                patience=patience,
                shuffle=shuffles(own),
            )
        towers.append(tower.cpu())
        curves.append(curve)
        print(f"{device}, seed {own}: {len(curve['epoch'])} epochs, best {min(curve['stop']):.5f} dex", flush=True)
    first = towers[0].predict(features.train)
    about = {
        "dim": len(mean),
        "parameters": n_parameters(towers[0]),
        "r2_train": float(1 - np.mean((first - parts[0][1]) ** 2) / np.var(parts[0][1])),
        "curve": {name: [value for curve in curves for value in curve[name]] for name in curves[0]}
        | {"seed": [own for own, curve in enumerate(curves, start=seed) for _ in curve["epoch"]]},
        "loss": "mean |Δ log g|, dex",
    }
    return Towers(towers, about)
