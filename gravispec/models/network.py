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
from gravispec.models.training import arrays_of, load_arrays, n_parameters, seeded, shuffles, train
from gravispec.options import Count, Positive, Rate
from gravispec.spectra.observing import variance_factors

DECLARES = ("all_levels", "curve", "posterior")
COST = {"seconds": 60, "ms": 6, "MB": 1200}
N_STOP = 8192  # stars that stop the training, of a stream of their own, and so are their noise and levels
SQUARES = 10.0  # weight of the squared errors
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
    """(z, s), (B, K) and (B,), to means (B, T) and lower triangles (B, T, T) of the inverse covariance, Λ = L Lᵀ."""

    def __init__(self, spread, *, width, blocks):
        super().__init__()
        self.shape = {"width": width, "blocks": blocks}
        self.register_buffer("spread", torch.as_tensor(spread, dtype=torch.float32))
        n_out, T = len(LABELS) * (len(LABELS) + 3) // 2, len(LABELS)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(2 * len(spread) + 1, width),
            *(Block(width) for _ in range(blocks)),
            torch.nn.LayerNorm(width),
            torch.nn.Linear(width, n_out),
        )
        self.T = T

    def forward(self, z, s):
        of_star = torch.sqrt(self.spread**2 + s[:, None] ** 2)
        out = self.net(torch.cat([z / of_star, z / (self.spread + 0.3), torch.log(s)[:, None]], dim=1))
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
    """The network, the projection before it, centre and unit (T,) of the labels."""

    net: PosteriorNet
    projection: Projection
    centre: np.ndarray
    unit: np.ndarray
    about: dict

    def predict(self, flux, sigma):
        """Labels (m,), their standard deviations ``sigma_{label}`` and covariances ``cov_{label}_{label}``."""
        z, s = self.projection(flux, sigma)
        with torch.no_grad():
            mean, factor = self.net(torch.from_numpy(z), torch.from_numpy(s.astype(np.float32)))
            inverse = torch.linalg.inv(factor.double()).numpy()
        mean = self.centre + self.unit * mean.numpy()
        covariance = np.einsum("bji,bjk->bik", inverse, inverse) * np.outer(self.unit, self.unit)
        return posterior_columns(mean, covariance)

    def state(self):
        arrays = arrays_of(self.net, "net.") | {f"projection.{k}": v for k, v in vars(self.projection).items()}
        return self.net.shape, arrays | {"centre": self.centre, "unit": self.unit}

    @classmethod
    def build(cls, header, arrays):
        projection = Projection(*(arrays[f"projection.{name}"] for name in ("rows", "typical", "weight")))
        net = load_arrays(PosteriorNet(arrays["net.spread"], **header), arrays, "net.")
        return cls(net, projection, arrays["centre"], arrays["unit"], {})


class Stars:
    """Clean stars in the projected space, from which noisy ones are drawn."""

    def __init__(self, forward, projection, stars, device):
        raw, parameters = [], []
        for flux, of_errors in forward.spectra(stars):
            raw.append(projection.raw(flux))
            parameters.append(of_errors)
        self.raw = torch.as_tensor(np.concatenate(raw), device=device)
        factors = variance_factors(forward.wave, np.concatenate(parameters))
        triangles, of_scale = projection.triangles(forward.wave)
        self.amplitudes = torch.as_tensor(np.sqrt(factors), dtype=torch.float32, device=device)  # (n, 3)
        self.scale = torch.as_tensor(np.sqrt(factors @ of_scale), dtype=torch.float32, device=device)  # (n,)
        self.triangles = torch.as_tensor(triangles, device=device)
        self.mean = torch.as_tensor(projection.mean, device=device)

    def noisy(self, rows, level, stream):
        """z (B, K) and s (B,) of these stars at noise levels ``level`` (B,), with noise from the torch ``stream``."""
        raw = self.raw[rows]
        for amplitude, triangle in zip((level[:, None] * self.amplitudes[rows]).T, self.triangles, strict=True):
            normal = torch.randn(raw.shape, generator=stream, device=raw.device)
            raw = raw + (amplitude[:, None] * normal) @ triangle.T
        return raw[:, :-1] / raw[:, -1:] - self.mean, level * self.scale[rows] / raw[:, -1]


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
    basis = forward.stars(N_BASIS, split="basis")
    projection = fit_projection(forward.spectra(basis), N_BASIS, forward.wave, components)
    trained, held = forward.stars(n_train, split="train"), forward.stars(N_STOP, split="network")
    labels = [table[list(LABELS)].to_numpy() for table in (trained, held)]
    centre, unit = labels[0].mean(axis=0), labels[0].std(axis=0)
    y, y_stop = (torch.as_tensor((of - centre) / unit, dtype=torch.float32, device=device) for of in labels)
    stars, stop = (Stars(forward, projection, table, device) for table in (trained, held))
    print(f"{device}: {n_train} stars in {components} numbers each", flush=True)
    stream, order = torch.Generator(device).manual_seed(seed), torch.Generator()
    span = math.log(level_high / level_low)

    def levels(n, stream):
        return level_low * torch.exp(span * torch.rand(n, generator=stream, device=device))

    with seeded(seed, device):
        clean = stars.raw[:, :-1] / stars.raw[:, -1:] - stars.mean
        net = PosteriorNet(clean.std(dim=0).cpu().numpy(), width=width, blocks=blocks).to(device)
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
    return Network(net.cpu(), projection, centre, unit, about | {"loss": "-ln posterior density"})
