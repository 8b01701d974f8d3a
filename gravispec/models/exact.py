"""Exact posterior from a few hundred likelihoods: that of another model, such as a network, is what it starts from.

The other model's mean and covariance are the proposal of importance sampling (``gravispec.models.posterior``). Where
too few draws are effective more rounds follow.
"""

from typing import Literal

import numpy as np

from gravispec.labels import LABELS
from gravispec.models.emulated import emulated
from gravispec.models.posterior import Posterior
from gravispec.options import Count

NEEDS = ("posterior",)
DECLARES = ("all_levels", "no_fit", "slow", "posterior")
COST = {"seconds": 30, "ms": 40, "MB": 900}
WIDER = 1.5  # than the other's covariance


class Exact(Posterior):
    """A ``Posterior`` that starts from what another model says; from the bank where that is wrong."""

    def predict(self, flux, sigma, other, measured=None):
        """The columns of a ``Posterior``, from those of the ``other`` model."""
        m, at = len(flux), np.ix_(range(len(flux)), self.order)
        ranges = self.prior.ranges
        mean = np.tile(ranges.mean(axis=1), (m, 1))
        covariance = np.tile(np.diag(np.square(np.ptp(ranges, axis=1) / 4)), (m, 1, 1))
        mean[at] = np.stack([other[label] for label in LABELS], axis=1)
        for a, one in enumerate(LABELS):
            for b, two in enumerate(LABELS[a:], start=a):
                values = other[f"sigma_{one}"] ** 2 if a == b else other[f"cov_{one}_{two}"]
                i, j = self.order[a], self.order[b]
                covariance[:, i, j] = covariance[:, j, i] = WIDER * values
        mean, scatter = self.prior.completed(mean)
        at = np.flatnonzero(scatter[0]) if m else []  # labels that follow the others
        covariance[:, at, at] = np.square(scatter[:, at])
        return self.sampled(flux, sigma, zip(mean, covariance, strict=True), measured)


def fit(
    forward,
    *,
    of: str = "network",
    bank: Count = 4096,
    draws: Count = 256,
    components: Count = 80,
    degree: Literal[0, 1, 2] = 0,
):
    """``Exact`` of the forward model of the data set."""
    return Exact(**emulated(forward, bank, components, degree), draws=draws)
