"""Gates: from features of a noisy spectrum to the weights of the experts.

A gate is a small network followed by a softmax. ``classify`` is a multinomial logistic regression on the bin;
``linear`` and ``mlp`` minimise the squared error of the weighted sum of the experts' predictions (method.md section 6).
Everything runs in float64, without a GPU on one thread: 7,000 × 13 numbers gain nothing from more, and the result
is then the same on every number of cores.
"""

import warnings

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from gravispec.errors import InputError
from gravispec.models.training import layers, seeded, shuffles, train


class Gate(torch.nn.Module):
    """Standardises (B, F) features and returns (B, K) weights that are positive and sum to 1.

    ``hidden``: units of the hidden layer of an ``mlp``, or of each of several.
    """

    def __init__(self, kind, mean, scale, n_experts, hidden=64):
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float64))
        hidden = hidden if isinstance(hidden, list | tuple) else (hidden,)
        sizes = (len(mean), *(hidden if kind == "mlp" else ()), n_experts)
        self.net = layers(sizes, torch.nn.ReLU, dtype=torch.float64)

    def forward(self, features):
        return torch.softmax(self.net((features - self.mean) / self.scale), dim=1)

    @torch.no_grad()
    def weights(self, features):
        """NumPy in, NumPy out: features (N, F), weights (N, K) float64."""
        return self(torch.as_tensor(np.asarray(features, np.float64))).numpy()

    def header(self):
        """What is needed, beside its tensors, to build it again."""
        hidden = [layer.out_features for layer in self.net[:-1:2]]
        return {"kind": self.kind, "hidden": hidden, "n_experts": self.net[-1].out_features}


def fit_classify(features, bins, *, mean, scale, n_experts, seed):
    """Multinomial logistic regression on the bin, C by 5-fold cross-validation of the log-loss.

    ``features`` (N, F) and ``bins`` (N,) of covered stars. A bin without a star among them gets weight 0.
    """
    present, counts = np.unique(bins, return_counts=True)
    if len(present) < 2:
        raise InputError(f"the classify gate needs stars of two bins at least, found bins {present.tolist()}")
    standardised = (np.asarray(features, np.float64) - mean) / scale
    folds = StratifiedKFold(int(np.clip(counts.min(), 2, 5)), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # bins with fewer stars than folds are rare in a small run and harmless: their fold has none
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        model = LogisticRegressionCV(
            Cs=np.logspace(-2, 4, 7),
            cv=folds,
            scoring="neg_log_loss",
            solver="newton-cholesky",  # few features and many stars: 20 times faster than lbfgs here
            tol=1e-8,
            max_iter=1000,
            l1_ratios=(0,),
            use_legacy_attributes=False,
        ).fit(standardised, bins)
    coef, intercept = model.coef_, model.intercept_
    if len(present) == 2:
        # scikit-learn keeps one row for two classes; the softmax of (0, z) is the logistic function of z
        coef, intercept = np.vstack([0 * coef, coef]), np.concatenate([[0.0], intercept])
    gate = Gate("classify", mean, scale, n_experts)
    with torch.no_grad():
        gate.net[0].weight.zero_()
        gate.net[0].bias.fill_(-torch.inf)
        gate.net[0].weight[present] = torch.as_tensor(coef)
        gate.net[0].bias[present] = torch.as_tensor(intercept)
    return gate


def fit_gate(kind, fit, stop, *, mean, scale, hidden, learning_rate, epochs, patience, batch, seed, device="cpu"):
    """Train a ``linear`` or ``mlp`` gate on the squared error of ``sum_k w_k ŷ_k``, with Adam.

    ``fit`` and ``stop``: tuples of features (N, F), expert predictions (N, K) and log_g (N,). The state with the lowest
    loss on ``stop`` is kept. Returns the gate, on the CPU, and its learning curve (``training.train``).
    """
    torch.set_num_threads(1)
    fit, stop = (tuple(torch.as_tensor(np.asarray(a, np.float64), device=device) for a in part) for part in (fit, stop))
    with seeded(seed):
        gate = Gate(kind, mean, scale, fit[1].shape[1], hidden).to(device)
    curve, _ = train(
        gate,
        len(fit[0]),
        step_loss=lambda rows: _loss(gate, *(a[rows] for a in fit)),
        stop_loss=lambda: _loss(gate, *stop).item(),
        optimiser=torch.optim.Adam(gate.parameters(), lr=learning_rate, fused=fit[0].is_cuda),
        batch=batch,
        epochs=epochs,
        patience=patience,
        shuffle=shuffles(seed),
    )
    return gate.cpu(), curve


def _loss(gate, features, predictions, log_g):
    return torch.mean(((gate(features) * predictions).sum(dim=1) - log_g) ** 2)
