"""The network from a projected spectrum to a normal posterior of the labels, and the loss that it is trained by.

Inputs are z / √(d² + s²), z / (d + 0.3) and ln s, with d the standard deviation of each number over the training stars,
outputs the mean and the Cholesky factor of the inverse covariance. The loss, of labels in units of the scatter of those
of the training stars, is -ln of that Gaussian density plus squared errors: the density alone cares most for the stars
that are known best, RMSE is made by the others. Both are least for the mean of the posterior, which leans towards the
prior where a spectrum says little.
"""

import numpy as np
import torch

from gravispec.labels import LABELS

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
