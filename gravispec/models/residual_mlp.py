"""A small network on the full spectrum that learns what the global Ridge leaves.

    log g = ridge(x) + s · net((x - mean) / scale),     s: standard deviation of the Ridge's training residuals

The network is the published one (method.md section 5): P → 256 → 64 → 1, GELU, dropout 0.3, AdamW. Its last layer
starts at zero: training starts from the Ridge, and the state kept is never worse than it on the validation stars.
"""

import numpy as np
import torch

from gravispec.data.arrays import blocks
from gravispec.models.model import Model
from gravispec.models.rows import gather, pixel_std
from gravispec.models.training import arrays_of, layers, load_arrays, n_parameters, seeded, train
from gravispec.options import Count, Layers, NotNegative, Rate, Share

LABELS = ("log_g",)
DECLARES = ("curve",)
COST = {"seconds": 60, "ms": 8, "MB": 900, "spectra": 1.25}


class ResidualMlp(torch.nn.Module, Model):
    """Ridge (P,) and network; the Ridge works in float64, the network in float32."""

    def __init__(self, n_pixels, hidden=(256, 64), dropout=0.3):
        super().__init__()
        self.register_buffer("coef", torch.zeros(n_pixels, dtype=torch.float64))
        self.register_buffer("intercept", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n_pixels))
        self.register_buffer("scale", torch.ones(n_pixels))
        self.register_buffer("residual_scale", torch.ones(()))
        self.hidden, self.about = list(hidden), {}
        self.net = layers((n_pixels, *hidden, 1), torch.nn.GELU, dropout=dropout)
        torch.nn.init.zeros_(self.net[-1].weight)
        torch.nn.init.zeros_(self.net[-1].bias)

    def forward(self, flux):
        """Residual in units of ``residual_scale``: (B, P) float32 -> (B,)."""
        return self.net((flux - self.mean) / self.scale)[:, 0]

    @torch.no_grad()
    def predict(self, flux):
        """log g of flux (m, P). Rows agree within 1e-5 dex however they are chunked."""
        self.eval()
        coef, intercept = self.coef.cpu().numpy(), self.intercept.item()
        out = np.empty(len(flux))
        for lo, hi in blocks(0, len(flux)):
            rows = torch.as_tensor(np.asarray(flux[lo:hi], np.float32), device=self.coef.device)
            residual = (self.residual_scale * self(rows)).cpu().numpy()
            out[lo:hi] = flux[lo:hi] @ coef + intercept + residual
        return {"log_g": out}

    def state(self):
        return {"n_pixels": len(self.coef), "hidden": self.hidden}, arrays_of(self)

    @classmethod
    def build(cls, header, arrays):
        return load_arrays(cls(**header), arrays)


def fit(
    flux,
    labels,
    ridge,
    *,
    hidden: Layers = (256, 64),
    dropout: Share = 0.3,
    learning_rate: Rate = 3e-4,
    weight_decay: NotNegative = 0.01,
    batch: Count = 256,
    epochs: Count = 100,
    patience: Count = 10,
    seed,
    threads=1,
    device="cpu",
):
    """``ResidualMlp`` on the CPU, trained on the squared error of the global Ridge plus network, with AdamW.

    Prints a line an epoch. Holds the training flux in memory, 4 n P bytes. A seed gives the same network on one thread;
    more threads round differently.
    """
    torch.set_num_threads(threads)
    ridge = ridge.first()
    with seeded(seed, device):  # one stream draws initial weights, order of the stars and dropout
        X, y = gather(flux.train.with_labels(labels.train[:, 0]))
        model = _initial(X, y, ridge, hidden, dropout).to(device)
        x, residual = torch.as_tensor(X, device=device), _residual(model, ridge, X, y)
        X_val, y_val = gather(flux.val.with_labels(labels.val[:, 0]))
        x_val, val_residual = torch.as_tensor(X_val, device=device), _residual(model, ridge, X_val, y_val)
        model.eval()
        curve, kept = train(
            model,
            len(x),
            step_loss=lambda rows: torch.mean((model(x[rows]) - residual[rows]) ** 2),
            stop_loss=lambda: _loss(model, x_val, val_residual),
            optimiser=torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay),
            batch=batch,
            epochs=epochs,
            patience=patience,
            shuffle=torch.randperm,
            untrained=_loss(model, x_val, val_residual),
            progress=True,
        )
    print(f"{device}: state of epoch {kept} kept", flush=True)
    loss = "mean square residual, in units of the Ridge's"
    model.about = {"parameters": n_parameters(model), "curve": curve, "loss": loss}
    return model.cpu()


def _initial(X, y, ridge, hidden, dropout):
    """The untrained model: it predicts exactly what ``ridge`` does."""
    model = ResidualMlp(X.shape[1], hidden, dropout)
    model.coef.copy_(torch.as_tensor(ridge.coef))
    model.intercept.fill_(ridge.intercept)
    model.mean.copy_(torch.as_tensor(X.mean(axis=0, dtype=np.float64)))
    model.scale.copy_(torch.as_tensor(np.maximum(pixel_std(X), 1e-12)))
    model.residual_scale.fill_(max(np.std(y - _predicted(ridge, X)), 1e-12))
    return model


def _residual(model, ridge, X, y):
    """What the network has to give: (n,) float32 on the device of ``model``."""
    residual = (y - _predicted(ridge, X)) / model.residual_scale.item()
    return torch.as_tensor(residual, dtype=torch.float32, device=model.coef.device)


def _predicted(ridge, X):
    """``ridge.predict`` in blocks: a product with float64 coefficients copies the float32 flux."""
    return np.concatenate([ridge.predict(X[lo:hi]) for lo, hi in blocks(0, len(X))])


@torch.no_grad()
def _loss(model, flux, residual):
    """Mean squared error in units of the residual scale."""
    squares = (torch.sum((model(flux[lo:hi]) - residual[lo:hi]) ** 2).item() for lo, hi in blocks(0, len(flux)))
    return sum(squares) / len(flux)
