"""Networks of flux and features that correct the Ridge: how they are trained and kept.

A network takes flux (B, P) and features (B, D), of which one column is the Ridge's log g, and gives log g (B,).
"""

import math

import numpy as np
import torch

from gravispec.data.arrays import blocks
from gravispec.models.model import Model
from gravispec.models.rows import gather, pixel_std
from gravispec.models.training import arrays_of, in_parts, load_arrays, n_parameters, seeded, shuffles, train

PART = 128  # stars at once: what windows become of them fits into caches
WARM_UP = 20  # steps


class Correction(torch.nn.Module, Model):
    """Base class: ``shape``, the keyword arguments of the network, is its header; its windows are ``windows``."""

    def __init__(self, **shape):
        super().__init__()
        self.shape, self.about = shape, {}

    @torch.no_grad()
    def log_g(self, flux, features):
        """NumPy in, NumPy out: flux (m, P) and features (m, D) to log g (m,) float64."""
        self.eval()
        found, device = np.empty(len(flux)), self.windows.mean.device
        for lo, hi in blocks(0, len(flux), PART):
            given = (torch.as_tensor(np.asarray(a[lo:hi], np.float32), device=device) for a in (flux, features))
            found[lo:hi] = self(*given).cpu().numpy()
        return found

    def state(self):
        return self.shape, arrays_of(self)

    @classmethod
    def build(cls, header, arrays):
        return load_arrays(
            cls(arrays["windows.pixels"], arrays["windows.mean"], arrays["windows.scale"], **header), arrays
        )


def zeros(layer):
    """The linear layer with weights and bias 0: what comes after it starts from nothing."""
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)


def fit_correction(
    make,
    flux,
    features,
    labels,
    *,
    learning_rate,
    weight_decay,
    batch,
    epochs,
    patience,
    seed,
    device,
    threads,
    checkpoint,
):
    """The trained network on the CPU, which ``make(mean, scale)`` makes, of mean and scale (P,) of the training flux.

    Mean absolute error, AdamW, warm-up and cosine decay over ``epochs``; the validation stars choose the state that is
    kept. Prints a line an epoch. Holds the training flux in memory, 4 n P bytes. A seed gives the same network on one
    thread; more threads round differently.
    """
    torch.set_num_threads(threads)
    parts = []
    for part in ("train", "val"):
        X, y = gather(getattr(flux, part).with_labels(getattr(labels, part)[:, 0]))
        if part == "train":
            mean, scale = X.mean(axis=0, dtype=np.float64), np.maximum(pixel_std(X), 1e-12)
        given = X, getattr(features, part), y
        parts.append([torch.as_tensor(a, dtype=torch.float32, device=device) for a in given])
    (x, f, y), held_out = parts
    order, size = torch.Generator(), PART if device == "cpu" else batch
    with seeded(seed, device):
        network = make(mean, scale).to(device)
        steps = epochs * math.ceil(len(y) / batch)
        optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)

        def rate(step):
            return min((step + 1) / WARM_UP, 0.5 * (1 + math.cos(math.pi * step / steps)))

        def loss(rows, of=(x, f, y)):
            x, f, y = (values[rows] for values in of)
            return torch.nn.functional.l1_loss(network(x, f), y)

        def stop_loss():
            rows = torch.arange(len(held_out[-1]), device=device)
            return sum(loss(part, held_out).item() * len(part) for part in rows.split(PART)) / len(rows)

        network.eval()
        with torch.no_grad():
            untrained = stop_loss()
        drawn = torch.default_generator  # dropout
        if device == "cuda":
            drawn = torch.cuda.default_generators[torch.cuda.current_device()]
        shuffled = shuffles(seed, order)

        def shuffle(n):
            # a last batch of one star would have no scatter to be standardised by
            return shuffled(n)[: n - (n % batch == 1)]

        curve, kept = train(
            network,
            len(y),
            step_loss=lambda rows: in_parts(loss, rows, size),
            stop_loss=stop_loss,
            optimiser=optimiser,
            batch=batch,
            epochs=epochs,
            patience=patience,
            shuffle=shuffle,
            schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, rate),
            untrained=untrained,
            progress=True,
            checkpoint=checkpoint,
            streams=(order, drawn),
        )
    network = network.cpu()
    print(f"{device}: state of epoch {kept} kept", flush=True)
    y, found = y.cpu().numpy(), network.log_g(x.cpu().numpy(), f.cpu().numpy())
    network.about = {
        "parameters": n_parameters(network),
        "r2_train": float(1 - np.mean((found - y) ** 2) / np.var(y)),
        "stop": min([untrained, *curve["stop"]]),
        "kept": kept,
        "curve": curve,
        "loss": "mean |Δ log g|, dex",
    }
    return network
