"""Mixture of Ridge experts, one a bin of T_eff and [M/H], weighted by a gate (method.md section 6).

The gate reads features of the noisy spectrum, ``window`` by default; ``dual_window`` with hidden layers of 32 and 16 is
the dual-feature gate of the source (section 10). ``classify`` is a multinomial logistic regression
on the bin; ``mlp`` and ``linear`` minimise the squared error of the weighted sum of the experts' predictions. Stars of
the validation split fit and stop the gates: the experts have not seen them.
"""

from typing import Literal

import numpy as np

from gravispec.models.bins import UNCOVERED, mixed
from gravispec.models.gates import Gate, fit_classify, fit_gate
from gravispec.models.model import Model
from gravispec.models.training import arrays_of, load_arrays, n_parameters
from gravispec.options import Count, Rate

DECLARES = ("weights", "curve")


class Mixture(Model):
    """A gate over K experts."""

    def __init__(self, gate, about=None):
        self.gate, self.about = gate, about or {}

    def predict(self, features, experts):
        """Labels as the experts' (m, K, T) weighted by the gate, and its weights."""
        return mixed(experts, self.gate.weights(features))

    def state(self):
        return self.gate.header(), arrays_of(self.gate)

    @classmethod
    def build(cls, header, arrays):
        mean = arrays["mean"]
        return cls(load_arrays(Gate(header["kind"], mean, mean, header["n_experts"], header["hidden"]), arrays))


def fit(
    features,
    experts,
    labels,
    bins,
    *,
    gate: Literal["classify", "mlp", "linear"] = "mlp",
    family: str = "window",
    hidden: Count = 64,
    further: tuple[Count, ...] = (),
    learning_rate: Rate = 1e-3,
    epochs: Count = 100,
    patience: Count = 10,
    batch: Count = 64,
    seed,
    device,
):
    """``Mixture`` with a gate of this kind; the last six options are of ``mlp`` and ``linear``, by Adam.

    ``further``: units of hidden layers after the first one. Features are standardised by the training stars. Stars
    outside the bins take no part.
    """
    train = features.train.astype(np.float64)
    settings = {"mean": train.mean(axis=0), "scale": np.maximum(train.std(axis=0), 1e-12), "seed": seed}
    of_star = {part: bins.of(*getattr(labels, part)[:, 1:].T) for part in ("fit", "stop")}
    rows = {part: np.flatnonzero(found != UNCOVERED) for part, found in of_star.items()}
    if gate == "classify":
        network = fit_classify(features.fit[rows["fit"]], of_star["fit"][rows["fit"]], n_experts=len(bins), **settings)
        found = network.weights(features.stop[rows["stop"]]).argmax(axis=1) == of_star["stop"][rows["stop"]]
        return Mixture(network, {"parameters": n_parameters(network), "right_bin": float(found.mean())})
    sets = [
        (getattr(features, part)[i], getattr(experts, part)[i, :, 0], getattr(labels, part)[i, 0])
        for part, i in rows.items()
    ]
    network, curve = fit_gate(
        gate, *sets, hidden=(hidden, *further), learning_rate=learning_rate, epochs=epochs, patience=patience,
        batch=batch, device=device, **settings,
    )  # fmt: skip
    return Mixture(network, {"parameters": n_parameters(network), "curve": curve, "loss": "mean square Δlog g, dex²"})
