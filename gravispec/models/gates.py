"""Gates: from 13 features of a noisy spectrum to the weights of the experts.

A gate is a small network followed by a softmax. ``classify`` is a multinomial logistic regression on the bin;
``linear`` and ``mlp`` minimise the squared error of the weighted sum of the experts' predictions (method.md section 6).
Everything runs in float64, without a GPU on one thread: 7,000 × 13 numbers gain nothing from more, and the result
is then the same on every number of cores.
"""

import copy
import itertools
import warnings

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from gravispec.data.tensor_file import filled, load_tensors, n_inputs, named, save_tensors
from gravispec.errors import InputError

FORMAT = "gravispec gate 1"
KINDS = ("classify", "mlp", "linear")


class Gate(torch.nn.Module):
    """Standardises (B, F) features and returns (B, K) weights that are positive and sum to 1."""

    def __init__(self, kind, mean, scale, n_experts, hidden=64):
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float64))
        sizes = (len(mean), hidden, n_experts) if kind == "mlp" else (len(mean), n_experts)
        layers = []
        for n_in, n_out in itertools.pairwise(sizes):
            layers += [torch.nn.Linear(n_in, n_out, dtype=torch.float64), torch.nn.ReLU()]
        self.net = torch.nn.Sequential(*layers[:-1])

    def forward(self, features):
        return torch.softmax(self.net((features - self.mean) / self.scale), dim=1)

    @torch.no_grad()
    def weights(self, features):
        """NumPy in, NumPy out: features (N, F), weights (N, K) float64."""
        return self(torch.as_tensor(np.asarray(features, np.float64))).numpy()


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
    loss on ``stop`` is kept; training ends after ``patience`` epochs without a lower one.
    Returns the gate, on the CPU, and its learning curve, a list of (epoch, fit loss, stop loss).
    """
    torch.set_num_threads(1)
    fit, stop = (tuple(torch.as_tensor(np.asarray(a, np.float64), device=device) for a in part) for part in (fit, stop))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gate = Gate(kind, mean, scale, fit[1].shape[1], hidden).to(device)
    shuffle = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(gate.parameters(), lr=learning_rate, fused=fit[0].is_cuda)
    best, best_loss, best_epoch, curve = copy.deepcopy(gate.state_dict()), np.inf, 0, []
    for epoch in range(1, epochs + 1):
        fit_loss = torch.zeros((), dtype=torch.float64, device=device)  # on a GPU every look at it would be a wait
        for rows in torch.randperm(len(fit[0]), generator=shuffle).to(device).split(batch):
            optimiser.zero_grad()
            loss = _loss(gate, *(a[rows] for a in fit))
            loss.backward()
            optimiser.step()
            fit_loss += loss.detach() * len(rows) / len(fit[0])
        with torch.no_grad():
            stop_loss = _loss(gate, *stop).item()
        curve.append((epoch, fit_loss.item(), stop_loss))
        if stop_loss < best_loss:
            best, best_loss, best_epoch = copy.deepcopy(gate.state_dict()), stop_loss, epoch
        elif epoch - best_epoch >= patience:
            break
    gate.load_state_dict(best)
    return gate.cpu(), curve


def _loss(gate, features, predictions, log_g):
    return torch.mean(((gate(features) * predictions).sum(dim=1) - log_g) ** 2)


def n_parameters(gate):
    """Number of trained parameters (1,481 for the mlp gate with 13 features, 64 hidden units, 9 experts)."""
    return sum(p.numel() for p in gate.parameters())


def state(gate):
    """What ``build`` needs to make the gate again: a header for JSON, and its tensors ``{name: tensor}``."""
    hidden = gate.net[0].out_features if gate.kind == "mlp" else 0
    header = {"format": FORMAT, "kind": gate.kind, "hidden": hidden, "n_experts": gate.net[-1].out_features}
    return header, {name: tensor.contiguous() for name, tensor in gate.state_dict().items()}


def build(header, tensors):
    """The gate from its ``state``; ``InputError`` where tensors are missing, of other shapes, or not finite."""
    kind = header["kind"]
    if kind not in KINDS:
        raise InputError(f"{kind!r} is no kind of gate; they are {', '.join(KINDS)}")
    any_scale = torch.ones(n_inputs(tensors))
    gate = filled(lambda: Gate(kind, any_scale, any_scale, header["n_experts"], header["hidden"]), tensors)
    for name, tensor in tensors.items():
        # an expert without a star has weight 0
        fine = tensor.isfinite() | (tensor == -torch.inf if (kind, name) == ("classify", "net.0.bias") else False)
        if not fine.all() or not tensor.isfinite().any() or (name == "scale" and not (tensor > 0).all()):
            raise InputError(f"tensor {name} of gate {kind} has values that are not finite, or not positive")
    return gate


def save(gate, path):
    """Write the gate as safetensors; the header holds what is needed to build it again."""
    header, tensors = state(gate)
    save_tensors(path, "gate", header, tensors)


def load(path):
    """Read a gate written by ``save``. Raises ``InputError`` for any other file."""
    found = load_tensors(path, "gate", FORMAT)
    with named(path):
        return build(*found)
