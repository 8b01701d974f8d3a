"""Mixture of Ridge experts, shrunk towards the global Ridge star by star, for spectra of low S/N.

    y = ridge + (1 - p₀) Σₖ wₖ (expertₖ - ridge),   (p₀, p₁, …) = softmax of the gate,  wₖ = pₖ / (1 - p₀)

The published mixture (``gravispec.models.mixture``) is lost where noise hides the lines that its gate reads, and its
experts, of a ninth of the stars, are worse than one Ridge then (docs/mixture.md). Here the gate reads what noise leaves
(family ``robust``), and may give any share p₀ to the global Ridge: what is best at a noise level, and at the S/N of a
star, is learned from validation stars that neither experts nor Ridge have seen. Stars outside the bins take part, too.
"""

import numpy as np

from gravispec.models.gates import Gate, fit_gate
from gravispec.models.model import Model
from gravispec.models.training import arrays_of, load_arrays, n_parameters
from gravispec.options import Count, Rate

LABELS = ("log_g",)
NEEDS = ("robust",)
DECLARES = ("weights", "curve")


class ShrunkMixture(Model):
    """A gate over the global Ridge, which is the feature ``column``, and K experts."""

    def __init__(self, gate, column, about=None):
        self.gate, self.column, self.about = gate, column, about or {}

    def predict(self, features, experts):
        """log g (m,) from features (m, D) and experts (m, K, T), and the experts' shares ``w`` (m, K)."""
        p, both = self.gate.weights(features), with_ridge(features, experts, self.column)
        shares = p[:, 1:] + np.finfo(float).tiny  # where all is the Ridge's, they are equal
        return {"log_g": np.sum(p * both, axis=1), "w": shares / shares.sum(axis=1, keepdims=True)}

    def state(self):
        return self.gate.header() | {"column": self.column}, arrays_of(self.gate)

    @classmethod
    def build(cls, header, arrays):
        mean = arrays["mean"]
        gate = Gate(header["kind"], mean, mean, header["n_experts"], header["hidden"])
        return cls(load_arrays(gate, arrays), header["column"])


def with_ridge(features, experts, column):
    """log g (m, 1 + K) by the global Ridge, a feature, and by every expert (m, K, T)."""
    return np.column_stack([features[:, column], experts[:, :, 0]])


def fit(
    features,
    experts,
    labels,
    *,
    families: tuple[str, ...] = ("robust",),
    hidden: Count = 64,
    learning_rate: Rate = 1e-3,
    epochs: Count = 100,
    patience: Count = 10,
    batch: Count = 64,
    seed,
    device,
):
    """``ShrunkMixture``; the gate minimises the squared error of log g, by Adam.

    Features are standardised by the training stars.
    """
    column, train = features.columns.index("robust_00"), features.train.astype(np.float64)
    sets = []
    for part in ("fit", "stop"):
        own = getattr(features, part)
        sets.append((own, with_ridge(own, getattr(experts, part), column), getattr(labels, part)[:, 0]))
    network, curve = fit_gate(
        "mlp", *sets, mean=train.mean(axis=0), scale=np.maximum(train.std(axis=0), 1e-12), hidden=hidden,
        learning_rate=learning_rate, epochs=epochs, patience=patience, batch=batch, seed=seed, device=device,
    )  # fmt: skip
    ridge = float(network.weights(sets[0][0])[:, 0].mean())
    about = {"parameters": n_parameters(network), "ridge_share": ridge, "curve": curve}
    return ShrunkMixture(network, column, about | {"loss": "mean square Δlog g, dex²"})
