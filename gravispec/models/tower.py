"""The global feature tower: a small network that corrects the global Ridge (method.md section 5).

    y = y_ridge + MLP((features - mean) / scale),   D → 256 → 64 → 1, ReLU and dropout after the hidden layers

y_ridge is the column of family ``ridge`` among the D features. 49,025 parameters for D = 126 (F1–F4), 47,745 for 121
(F1–F3), 41,601 for 97 (F1, F2). On the CPU training runs on one thread, so that a seed gives the same tower, bit for
bit, on any number of cores. CUDA draws other dropout masks: there a seed gives another of the equally good towers.
"""

import copy
import functools
import itertools

import numpy as np
import torch

from gravispec.data.tensor_file import filled, load_tensors, n_inputs, named, save_tensors
from gravispec.errors import InputError

FORMAT = "gravispec towers 1"


class GlobalFeatureMLP(torch.nn.Module):
    """Features (B, D) to log g (B,), dex. ``mean`` and ``scale`` (D,) standardise; ``ridge_column`` holds y_ridge."""

    def __init__(self, mean, scale, ridge_column, *, hidden, dropout):
        super().__init__()
        self.ridge_column, self.hidden, self.dropout = ridge_column, list(hidden), dropout
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float32))
        layers = []
        for n_in, n_out in itertools.pairwise((len(self.mean), *hidden)):
            layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1], 1))

    def forward(self, features):
        correction = self.net((features - self.mean) / self.scale)  # (B, 1)
        return features[:, self.ridge_column] + correction[:, 0]

    @torch.no_grad()
    def predict(self, features):
        """NumPy in, NumPy out: features (N, D), log g (N,) float64."""
        self.eval()
        return self(torch.as_tensor(np.asarray(features, np.float32))).numpy().astype(np.float64)


def standardisation(features):
    """Mean and standard deviation (D,) of training features (N, D); a constant feature becomes 0, not noise."""
    features = np.asarray(features, np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    return mean, np.where(scale > 1e-6 * np.abs(mean), scale, np.inf)


def fit_tower(
    train,
    val,
    *,
    ridge_column,
    hidden,
    dropout,
    learning_rate,
    weight_decay,
    batch,
    epochs,
    patience,
    seed,
    device="cpu",
):
    """Train a tower on the mean absolute error with Adam.

    ``train`` and ``val``: features (N, D) and log_g (N,). The state with the lowest loss on ``val`` is kept; training
    ends after ``patience`` epochs without a lower one. The settings are described in ``gravispec.config.Tower``.
    Returns the tower, on the CPU, and its learning curve, a list of (epoch, loss with dropout, validation loss).
    """
    torch.set_num_threads(1)
    mean, scale = standardisation(train[0])
    train, val = (tuple(torch.as_tensor(a, dtype=torch.float32, device=device) for a in part) for part in (train, val))
    shuffle = torch.Generator().manual_seed(seed)
    cards = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        tower = GlobalFeatureMLP(mean, scale, ridge_column, hidden=hidden, dropout=dropout).to(device)
        optimiser = torch.optim.Adam(tower.parameters(), lr=learning_rate, weight_decay=weight_decay)
        best, best_loss, best_epoch, curve = None, np.inf, 0, []
        for epoch in range(1, epochs + 1):
            train_loss = _train_epoch(tower, optimiser, train, batch, shuffle)
            val_loss = _val_loss(tower, val)
            curve.append((epoch, train_loss, val_loss))
            if val_loss < best_loss:
                best, best_loss, best_epoch = copy.deepcopy(tower.state_dict()), val_loss, epoch
            elif epoch - best_epoch >= patience:
                break
    if best is None:
        raise InputError("the tower's validation loss is not finite from the first epoch on; lower tower.learning_rate")
    tower.load_state_dict(best)
    return tower.cpu().eval(), curve


def _train_epoch(tower, optimiser, train, batch, shuffle):
    """One pass over the training stars; returns the mean loss, with dropout."""
    features, log_g = train
    tower.train()
    total = 0.0
    for rows in torch.randperm(len(log_g), generator=shuffle).split(batch):
        rows = rows.to(log_g.device)
        optimiser.zero_grad()
        loss = torch.nn.functional.l1_loss(tower(features[rows]), log_g[rows])
        loss.backward()
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(log_g)


@torch.no_grad()
def _val_loss(tower, val):
    tower.eval()
    return torch.nn.functional.l1_loss(tower(val[0]), val[1]).item()


def n_parameters(tower):
    """Number of trained parameters."""
    return sum(parameter.numel() for parameter in tower.parameters())


def save(towers, about, path):
    """Write ``{seed: tower}`` of one shape as safetensors; the JSON header has the shape and all of ``about``."""
    first = next(iter(towers.values()))
    shape = {"ridge_column": first.ridge_column, "hidden": first.hidden, "dropout": first.dropout}
    header = {**about, "format": FORMAT, "seeds": list(towers), "shape": shape}
    tensors = {
        f"seed_{seed}.{name}": value.contiguous()
        for seed, tower in towers.items()
        for name, value in tower.state_dict().items()
    }
    save_tensors(path, "towers", header, tensors)


def load(path):
    """``({seed: tower}, header)`` written by ``save``. Raises ``InputError`` for any other file."""
    header, state = load_tensors(path, "towers", FORMAT)
    towers = {}
    with named(path):
        for seed in header["seeds"]:
            own = {k.removeprefix(f"seed_{seed}."): v for k, v in state.items() if k.startswith(f"seed_{seed}.")}
            any_scale = torch.ones(n_inputs(own))
            make = functools.partial(GlobalFeatureMLP, any_scale, any_scale, **header["shape"])
            towers[seed] = filled(make, own).eval()
    return towers, header
