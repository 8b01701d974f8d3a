"""Importance sampling of a density in a few dimensions, with the same quasi-random numbers for every star."""

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import qmc

FREEDOM = 5  # of Student's t, whose tails are above those of a posterior
SEED = 20


def student_draws(n, n_labels):
    """A function of mean (L,) and covariance (L, L): n labels (n, L), a power of 2, and ln of their density (n,)."""
    uniform = qmc.Sobol(n_labels + 1, rng=np.random.default_rng(SEED)).random(n)
    normal = stats.norm.ppf(uniform[:, :-1])
    t = normal / np.sqrt(stats.chi2.ppf(uniform[:, -1:], FREEDOM) / FREEDOM)
    square = np.square(t).sum(axis=1)
    constant = gammaln((FREEDOM + n_labels) / 2) - gammaln(FREEDOM / 2) - n_labels / 2 * np.log(np.pi * FREEDOM)
    log_density = constant - (FREEDOM + n_labels) / 2 * np.log1p(square / FREEDOM)

    def draws(mean, covariance):
        factor = np.linalg.cholesky(covariance)
        return mean + t @ factor.T, log_density - np.log(np.diagonal(factor)).sum()

    return draws


def normalised_weights(log_weight):
    """(n,), of sum 1."""
    weights = np.exp(log_weight - log_weight.max())
    return weights / weights.sum()


def effective(log_weight):
    """Effective sample size: (Σ w)² / Σ w²."""
    return 1 / np.square(normalised_weights(log_weight)).sum()


def tempered(log_weight, ess):
    """Weights (n,) to the power, 1 at most, at which their effective sample size is ``ess``."""

    def missing(power):
        return effective(power * log_weight) - ess

    if missing(1.0) >= 0:
        return normalised_weights(log_weight)
    finite = log_weight[np.isfinite(log_weight)]
    if len(finite) <= ess:
        return normalised_weights(np.where(np.isfinite(log_weight), 0.0, -np.inf))
    log_power = brentq(lambda p: missing(np.exp(p)), np.log(1e-12), 0.0, xtol=1e-2)
    return normalised_weights(np.where(np.isfinite(log_weight), np.exp(log_power) * log_weight, -np.inf))


def quantiles(theta, weights, shares):
    """(len(shares), L) of draws (n, L) with weights (n,) of sum 1."""
    found = np.empty((len(shares), theta.shape[1]))
    for at, values in zip(found.T, theta.T, strict=True):
        order = np.argsort(values)
        of_draw = weights[order]
        at[:] = np.interp(shares, np.cumsum(of_draw) - of_draw / 2, values[order])
    return found


def moments(theta, weights):
    """Mean (L,) and covariance (L, L) of draws (n, L) with weights (n,) of sum 1."""
    mean = weights @ theta
    centred = theta - mean
    return mean, (weights[:, None] * centred).T @ centred
