"""Baseline ``residual_mlp``: a small network on the full spectrum that learns what the global Ridge leaves.

    log g = ridge(x) + s · net((x - mean) / scale),     s: standard deviation of the Ridge's training residuals

The network is the published one (method.md section 5): P → 256 → 64 → 1, GELU, dropout 0.3, AdamW. Its last layer
starts at zero: training starts from the Ridge, and the state kept is never worse than it on the validation stars.
"""

import copy
import itertools
import time

import numpy as np
import torch

from gravispec.data.arrays import blocks
from gravispec.data.tensor_file import filled, load_tensors, named, save_tensors
from gravispec.models.rows import gather

FORMAT = "gravispec residual_mlp 1"


class ResidualMlp(torch.nn.Module):
    """Ridge (P,) and network; the Ridge works in float64, the network in float32."""

    def __init__(self, n_pixels, hidden=(256, 64), dropout=0.3):
        super().__init__()
        self.register_buffer("coef", torch.zeros(n_pixels, dtype=torch.float64))
        self.register_buffer("intercept", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(n_pixels))
        self.register_buffer("scale", torch.ones(n_pixels))
        self.register_buffer("residual_scale", torch.ones(()))
        layers = []
        for n_in, n_out in itertools.pairwise((n_pixels, *hidden)):
            layers += [torch.nn.Linear(n_in, n_out), torch.nn.GELU(), torch.nn.Dropout(dropout)]
        last = torch.nn.Linear(hidden[-1], 1)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        self.net = torch.nn.Sequential(*layers, last)

    def forward(self, flux):
        """Residual in units of ``residual_scale``: (B, P) float32 -> (B,)."""
        return self.net((flux - self.mean) / self.scale)[:, 0]

    @torch.no_grad()
    def predict(self, X):
        """NumPy in, NumPy out: (m, P) -> (m,) float64 dex. Rows agree within 1e-5 dex however they are chunked."""
        self.eval()
        coef, intercept = self.coef.cpu().numpy(), self.intercept.item()
        out = np.empty(len(X))
        for lo, hi in blocks(0, len(X)):
            rows = torch.as_tensor(np.asarray(X[lo:hi], np.float32), device=self.coef.device)
            residual = (self.residual_scale * self(rows)).cpu().numpy()
            out[lo:hi] = X[lo:hi] @ coef + intercept + residual
        return out

    def save(self, path):
        """Write safetensors; the header holds what is needed to build the network again."""
        linear = [layer.out_features for layer in self.net if isinstance(layer, torch.nn.Linear)]
        header = {"format": FORMAT, "n_pixels": len(self.coef), "hidden": linear[:-1]}
        save_tensors(path, "model", header, {k: v.cpu().contiguous() for k, v in self.state_dict().items()})


def fit(
    train,
    val,
    *,
    ridge,
    hidden=(256, 64),
    dropout=0.3,
    learning_rate=3e-4,
    weight_decay=0.01,
    batch=256,
    epochs=100,
    patience=10,
    seed,
    threads=1,
    device="cpu",
):
    """``ResidualMlp`` on the CPU, trained on the squared error of ``ridge`` (a ``RidgeFit``) plus network.

    ``train``, ``val``: sized, re-readable chunks of flux X (m, P) and log_g (m,). Training ends after ``patience``
    epochs without a lower error of the validation stars, and the best state is kept. Prints a line an epoch. Holds the
    training flux in memory, 4 n P bytes. A seed gives the same network on one thread; more threads round differently.
    """
    torch.set_num_threads(threads)
    # one generator draws initial weights, order of the stars and dropout
    with torch.random.fork_rng(devices=[device] if device != "cpu" else []):
        torch.manual_seed(seed)
        X, y = gather(train)
        model = _initial(X, y, ridge, hidden, dropout).to(device)
        flux, residual = torch.as_tensor(X, device=device), _residual(model, ridge, X, y)
        X_val, y_val = gather(val)
        val_flux, val_residual = torch.as_tensor(X_val, device=device), _residual(model, ridge, X_val, y_val)
        optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
        best, best_loss, best_epoch = copy.deepcopy(model.state_dict()), _loss(model, val_flux, val_residual), 0
        start = time.perf_counter()
        for epoch in range(1, epochs + 1):
            model.train()
            for rows in torch.randperm(len(flux)).split(batch):
                rows = rows.to(device)
                optimiser.zero_grad()
                torch.mean((model(flux[rows]) - residual[rows]) ** 2).backward()
                optimiser.step()
            loss = _loss(model, val_flux, val_residual)
            rmse = loss**0.5 * model.residual_scale.item()
            print(f"epoch {epoch}: validation RMSE {rmse:.4f} dex, {time.perf_counter() - start:.0f} s", flush=True)
            if loss < best_loss:
                best, best_loss, best_epoch = copy.deepcopy(model.state_dict()), loss, epoch
            elif epoch - best_epoch >= patience:
                break
    print(f"{device}: state of epoch {best_epoch} kept", flush=True)
    model.load_state_dict(best)
    return model.cpu().eval()


def load(path):
    """Read a ``ResidualMlp`` that ``save`` wrote. Raises ``InputError`` for any other file."""
    header, state = load_tensors(path, "model", FORMAT)
    with named(path):
        return filled(lambda: ResidualMlp(header["n_pixels"], header["hidden"]), state).eval()


def _initial(X, y, ridge, hidden, dropout):
    """The untrained model: it predicts exactly what ``ridge`` does."""
    model = ResidualMlp(X.shape[1], hidden, dropout)
    model.coef.copy_(torch.as_tensor(ridge.coef))
    model.intercept.fill_(ridge.intercept)
    model.mean.copy_(torch.as_tensor(X.mean(axis=0, dtype=np.float64)))
    model.scale.copy_(torch.as_tensor(np.maximum(_pixel_std(X), 1e-12)))
    model.residual_scale.fill_(max(np.std(y - _predicted(ridge, X)), 1e-12))
    return model


def _residual(model, ridge, X, y):
    """What the network has to give: (n,) float32 on the device of ``model``."""
    residual = (y - _predicted(ridge, X)) / model.residual_scale.item()
    return torch.as_tensor(residual, dtype=torch.float32, device=model.coef.device)


def _predicted(ridge, X):
    """``ridge.predict`` in blocks: a product with float64 coefficients copies the float32 flux."""
    return np.concatenate([ridge.predict(X[lo:hi]) for lo, hi in blocks(0, len(X))])


def _pixel_std(X):
    """Standard deviation of each pixel, (P,) float64, without a float64 copy of X."""
    mean = X.mean(axis=0, dtype=np.float64)
    squares = sum(np.sum((X[lo:hi] - mean) ** 2, axis=0) for lo, hi in blocks(0, len(X)))
    return np.sqrt(squares / len(X))


@torch.no_grad()
def _loss(model, flux, residual):
    """Mean squared error in units of the residual scale."""
    model.eval()
    squares = (torch.sum((model(flux[lo:hi]) - residual[lo:hi]) ** 2).item() for lo, hi in blocks(0, len(flux)))
    return sum(squares) / len(flux)
