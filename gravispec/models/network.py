"""Amortised posterior: one network for all noise levels, from spectra to mean and covariance of log g, T_eff, [M/H].

It learns from as many noise realisations as there are steps: a spectrum is projected to a hundred numbers, where noise
is exactly Gaussian and costs one product (``gravispec.models.projection``), and every step draws another. Its inputs
are z / √(d² + s²), z / (d + 0.3) and ln s, with d the standard deviation of each number over the training stars, its
outputs the mean and the Cholesky factor of the inverse covariance. The loss, of labels in units of the scatter of
those of the training stars, is -ln of that Gaussian density plus squared errors: the density alone cares most for the
stars that are known best, RMSE is made by the others. Both are least for the mean of the posterior, which leans towards
the prior where a spectrum says little.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from gravispec.labels import LABELS
from gravispec.models.inference import posterior_columns
from gravispec.models.model import Model
from gravispec.models.projection import N_BASIS, Projection, fit_projection
from gravispec.models.simulation import ObservedStars, Stars, Views, clean_basis, gaps
from gravispec.models.training import arrays_of, load_arrays, n_parameters, seeded, shuffles, train
from gravispec.options import Count, Positive, Rate
from gravispec.spectra.nuisances import MOST

DECLARES = ("all_levels", "curve", "posterior")
COST = {"seconds": 60, "ms": 6, "MB": 1200}
N_STOP = 8192  # stars that stop the training, of a stream of their own, and so are their noise and levels
SQUARES = 10.0  # weight of the squared errors
LEAST = 0.05  # share of a number that is known, where it is divided by
ALIKE = 128  # stars of about the same noise level
TRIANGLE = np.tril_indices(len(LABELS), -1)


class Block(torch.nn.Module):
    """x + W₂ GELU(W₁ LayerNorm(x))."""

    def __init__(self, width):
        super().__init__()
        linear = torch.nn.Linear
        self.net = torch.nn.Sequential(
            torch.nn.LayerNorm(width), linear(width, width), torch.nn.GELU(), linear(width, width)
        )

    def forward(self, x):
        return x + self.net(x)


class PosteriorNet(torch.nn.Module):
    """(z, s), (B, K) and (B,), to means (B, T) and lower triangles (B, T, T) of the inverse covariance, Λ = L Lᵀ.

    With ``gaps`` it is ẑ and, third, r (B, K), the share of z that is known; for all pixels the inputs are the same.
    """

    def __init__(self, spread, *, width, blocks, gaps=False):
        super().__init__()
        self.shape = {"width": width, "blocks": blocks, "gaps": gaps}
        self.register_buffer("spread", torch.as_tensor(spread, dtype=torch.float32))
        n_out, T = len(LABELS) * (len(LABELS) + 3) // 2, len(LABELS)
        self.net = torch.nn.Sequential(
            torch.nn.Linear((3 if gaps else 2) * len(spread) + 1, width),
            *(Block(width) for _ in range(blocks)),
            torch.nn.LayerNorm(width),
            torch.nn.Linear(width, n_out),
        )
        self.T = T

    def forward(self, z, s, r=None):
        if r is None:
            scaled = [z / torch.sqrt(self.spread**2 + s[:, None] ** 2), z / (self.spread + 0.3)]
        else:
            known = r.clamp(min=LEAST)
            scaled = [z / (self.spread * known.sqrt()), z / (known * (self.spread + 0.3)), r]
        out = self.net(torch.cat([*scaled, torch.log(s)[:, None]], dim=1))
        mean, diagonal, below = out.split([self.T, self.T, out.shape[1] - 2 * self.T], dim=1)
        factor = torch.diag_embed(torch.exp(diagonal.clamp(-10, 10)))
        factor[:, TRIANGLE[0], TRIANGLE[1]] = below
        return mean, factor


def density_loss(mean, factor, y):
    """Mean over the stars of -ln N(y; mean, (L Lᵀ)⁻¹), up to a constant."""
    whitened = torch.einsum("bij,bi->bj", factor, y - mean)
    return (0.5 * whitened.square().sum(1) - torch.log(torch.diagonal(factor, dim1=1, dim2=2)).sum(1)).mean()


def loss_of(mean, factor, y, level):
    """`density_loss` plus `SQUARES` times the mean squared errors over a typical scatter.

    That is the root of the mean predicted variance of the stars whose noise ``level`` (B,) is next to theirs. It lies
    between two weights that were tried: by the variance itself training is not stable, and without it noise level 0.1
    counts for nothing.
    """
    delta = y - mean
    with torch.no_grad():
        variance = torch.linalg.inv(factor).square().sum(1)  # of Σ = L⁻ᵀ L⁻¹
    order = torch.argsort(level)
    squares = [
        (part.square().sum(0) / typical.mean(0).sqrt()).sum()
        for part, typical in zip(delta[order].split(ALIKE), variance[order].split(ALIKE), strict=True)
    ]
    return density_loss(mean, factor, y) + SQUARES * sum(squares) / len(y)


@dataclass
class Network(Model):
    """The network, the projection before it, centre and unit (T,) of the labels.

    error_factor : 1σ of ln of what errors may be wrong by; above 0, noise is measured where the projection says nothing
    """

    net: PosteriorNet
    projection: Projection
    centre: np.ndarray
    unit: np.ndarray
    error_factor: float
    about: dict

    @property
    def knows_gaps(self):
        return self.net.shape["gaps"]

    def predict(self, flux, sigma, measured=None):
        """Labels (m,), their standard deviations ``sigma_{label}`` and covariances ``cov_{label}_{label}``."""
        if self.knows_gaps:
            given = self._by_gaps(flux, sigma, np.ones(flux.shape, bool) if measured is None else measured)
        else:
            given = self.projection(flux, sigma)
        with torch.no_grad():
            mean, factor = self.net(*(torch.from_numpy(values.astype(np.float32)) for values in given))
            inverse = torch.linalg.inv(factor.double()).numpy()
        mean = self.centre + self.unit * mean.numpy()
        covariance = np.einsum("bji,bjk->bik", inverse, inverse) * np.outer(self.unit, self.unit)
        return posterior_columns(mean, covariance)

    def _by_gaps(self, flux, sigma, measured):
        """ẑ (m, K), s (m,), r (m, K); spectra with the same gaps at once."""
        spread, n = self.net.spread.numpy().astype(np.float64), len(flux)
        found = np.empty((n, len(spread))), np.empty(n), np.empty((n, len(spread)))
        patterns, of_row = np.unique(np.packbits(measured, axis=1), axis=0, return_inverse=True)
        for k in range(len(patterns)):
            rows = np.flatnonzero(of_row.ravel() == k)
            view = self.projection.view(measured[rows[0]], spread)
            y, s = view(flux[rows], sigma[rows])
            z, r = view.filled(y, s)
            if self.error_factor:
                limit = MOST * self.error_factor
                s = s * np.exp(np.clip(np.log(view.noise(flux[rows], y, z, r) / s), -limit, limit))
                z, r = view.filled(y, s)
            for values, of_rows in zip(found, (z, s, r), strict=True):
                values[rows] = of_rows
        return found

    def state(self):
        arrays = arrays_of(self.net, "net.") | {f"projection.{k}": v for k, v in vars(self.projection).items()}
        header = {**self.net.shape, "error_factor": self.error_factor}
        return header, arrays | {"centre": self.centre, "unit": self.unit}

    @classmethod
    def build(cls, header, arrays):
        projection = Projection(*(arrays[f"projection.{name}"] for name in ("rows", "typical", "weight")))
        shape = {name: value for name, value in header.items() if name != "error_factor"}
        net = load_arrays(PosteriorNet(arrays["net.spread"], **shape), arrays, "net.")
        return cls(net, projection, arrays["centre"], arrays["unit"], header["error_factor"], {})


def fit(
    forward,
    n_train,
    *,
    components: Count = 120,
    width: Count = 384,
    blocks: Count = 3,
    learning_rate: Rate = 1.5e-3,
    batch: Count = 2048,
    epochs: Count = 100,
    patience: Count = 15,
    level_low: Positive = 0.08,
    level_high: Positive = 2.5,
    seed,
    device,
    threads,
    checkpoint=None,
):
    """``Network`` from the ``n_train`` training stars of the data set, whose clean spectra are made from the grid.

    Noise and its level, log-uniform from ``level_low`` to ``level_high``, are drawn anew at every step from streams of
    its own; those of the data set's noisy spectra are never seen. AdamW with warm-up and cosine decay; other stars,
    of a stream of their own, stop the training and choose the state that is kept.
    """
    torch.set_num_threads(threads)
    basis, nuisances = forward.stars(N_BASIS, split="basis"), forward.nuisances
    projection, spread = fit_projection(forward.observed(basis), N_BASIS, forward.wave, components)
    trained, held = forward.stars(n_train, split="train"), forward.stars(N_STOP, split="network")
    labels = [table[list(LABELS)].to_numpy() for table in (trained, held)]
    centre, unit = labels[0].mean(axis=0), labels[0].std(axis=0)
    y, y_stop = (torch.as_tensor((of - centre) / unit, dtype=torch.float32, device=device) for of in labels)
    if nuisances:
        views = [projection.view(row, spread) for row in gaps(forward.wave, nuisances["scales"])]
        vectors = clean_basis(forward)
        shared = Views(views, vectors, forward, device)
        stars, stop = (ObservedStars(forward, shared, vectors, table, device) for table in (trained, held))
    else:
        stars, stop = (Stars(forward, projection, table, device) for table in (trained, held))
        spread = stars.spread()
    print(f"{device}: {n_train} stars in {components} numbers each", flush=True)
    stream, order = torch.Generator(device).manual_seed(seed), torch.Generator()
    span = math.log(level_high / level_low)

    def levels(n, stream):
        return level_low * torch.exp(span * torch.rand(n, generator=stream, device=device))

    with seeded(seed, device):
        net = PosteriorNet(spread, width=width, blocks=blocks, gaps=bool(nuisances)).to(device)
        own = torch.Generator(device).manual_seed(seed + 1)
        fixed = stop.noisy(slice(None), levels(N_STOP, own), own)
        optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate)
        steps = epochs * math.ceil(n_train / batch)
        warm_up = min(200, steps // 5 + 1)

        def rate(step):
            return min((step + 1) / warm_up, 0.5 * (1 + math.cos(math.pi * step / steps)))

        def step_loss(rows):
            level = levels(len(rows), stream)
            return loss_of(*net(*stars.noisy(rows, level, stream)), y[rows], level)

        curve, kept = train(
            net,
            n_train,
            step_loss=step_loss,
            stop_loss=lambda: density_loss(*net(*fixed), y_stop).item(),
            optimiser=optimiser,
            batch=batch,
            epochs=epochs,
            patience=patience,
            shuffle=shuffles(seed, order),
            schedule=torch.optim.lr_scheduler.LambdaLR(optimiser, rate),
            progress=True,
            checkpoint=checkpoint,
            streams=(stream, order),
        )
    about = {"parameters": n_parameters(net), "components": components, "kept": kept, "curve": curve}
    error_factor = nuisances["scales"]["error_factor"] if nuisances else 0.0
    return Network(net.cpu(), projection, centre, unit, error_factor, about | {"loss": "-ln posterior density"})
