"""How labels are distributed among stars: as a scaled Beta, or around a mean that other labels set.

Abundances and microturbulence follow the other labels: the mean of such a label is a sum of broken lines of them, its
scatter, too, and it is normal around that, cut at its range.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri


def broken_lines(lines, labels):
    """(n,) sum of broken lines ``{label: [(value of the label, value), ...]}``, constant beyond their ends; a number.

    labels : name -> (n,)
    """
    if not isinstance(lines, Mapping):
        return float(lines)
    return sum(np.interp(labels[name], *np.transpose(points)) for name, points in lines.items())


def is_related(prior):
    """Whether a prior of a label, as in the configuration, has a mean that other labels set."""
    return "mean" in prior


def related(prior, labels, uniform):
    """(n,) draws of a label with a ``mean``, from uniform numbers; labels : name -> (n,), those that it follows."""
    mean, scatter = broken_lines(prior["mean"], labels), broken_lines(prior["scatter"], labels)
    low, high = ndtr((prior["low"] - mean) / scatter), ndtr((prior["high"] - mean) / scatter)
    drawn = mean + scatter * ndtri(low + (high - low) * uniform)
    return np.clip(drawn, prior["low"], prior["high"])


class LabelPrior:
    """Density of labels (n, L).

    labels : name -> ``low``, ``high`` and, where others set it, ``mean`` and ``scatter``; beta : of those without
    """

    def __init__(self, labels, beta):
        self.labels, self.beta = dict(labels), beta

    @property
    def ranges(self):
        """(L, 2): the lowest and the highest value of each label."""
        return np.array([[prior["low"], prior["high"]] for prior in self.labels.values()], float)

    def log_density(self, theta):
        """ln of the density (n,) at labels (n, L), up to a constant; -inf outside the ranges."""
        by_name, total = dict(zip(self.labels, theta.T, strict=True)), np.zeros(len(theta))
        for name, prior in self.labels.items():
            value, low, high = by_name[name], prior["low"], prior["high"]
            if is_related(prior):
                mean, scatter = self._around(prior, by_name)
                share = ndtr((high - mean) / scatter) - ndtr((low - mean) / scatter)
                density = -0.5 * ((value - mean) / scatter) ** 2 - np.log(scatter * share)
                total += np.where((value >= low) & (value <= high), density, -np.inf)
            else:
                total += stats.beta.logpdf((value - low) / (high - low), self.beta, self.beta)
        return total

    def completed(self, theta):
        """Labels (n, L) with those that others set at their mean, and the scatter (n, L) of these, 0 of the others."""
        theta, scatter = theta.copy(), np.zeros_like(theta)
        for i, (_, prior) in enumerate(self.labels.items()):
            if is_related(prior):
                theta[:, i], scatter[:, i] = self._around(prior, dict(zip(self.labels, theta.T, strict=True)))
        return theta, scatter

    def _around(self, prior, by_name):
        return broken_lines(prior["mean"], by_name), broken_lines(prior["scatter"], by_name)
