"""Posterior of the labels by the forward model: the limit that no estimator beats (method.md section 7).

The likelihood of a star is that of ``gravispec.models.likelihood``: factors of products with the model spectrum are
marginalised, powers x^k of the position for a free polynomial on the continuum, and those of the nuisances of the data
set (``gravispec.spectra.nuisances``), slopes and derivatives by velocity.

A bank of models drawn from the prior gives a first idea; importance sampling from Student's t around it, of the same
quasi-random numbers for every star, is repeated until the effective sample size suffices.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from gravispec.labels import LABELS
from gravispec.models.emulated import emulated
from gravispec.models.importance import effective, moments, normalised_weights, quantiles, student_draws, tempered
from gravispec.models.inference import posterior_columns
from gravispec.models.likelihood import Likelihood
from gravispec.models.model import Model
from gravispec.options import Count
from gravispec.spectra.emulator import Emulator
from gravispec.spectra.nuisances import Series, widths
from gravispec.spectra.priors import LabelPrior
from gravispec.spectra.splines import Others

DECLARES = ("all_levels", "no_fit", "slow", "limit", "posterior")
COST = {"seconds": 30, "ms": 80, "MB": 900}
FIRST_LOOK = ((0, 0), (1, 0), (0, 1))  # those, and how many vectors and models, by which a width of lines is chosen
N_VECTORS, N_MODELS = 40, 512
SPREAD, WIDEST = 1e-3, 0.5  # standard deviations of a proposal in units of the range of a label: at least, at most
ROUNDS = 8
QUANTILES = {"q025": 0.025, "q16": 0.16, "q50": 0.5, "q84": 0.84, "q975": 0.975}
ENOUGH, WRONG = 100, 10  # effective draws; those with which a proposal counts for nothing


@dataclass
class Posterior(Model):
    """basis, axes, control, others, of_others : of the ``Emulator``; bank (B, L): labels drawn from the prior.

    labels, beta : of their ``LabelPrior``; draws : in a round.
    products : of ``nuisances.PRODUCTS``; centres (C, L - 1), covariances (C, L - 1, L - 1): of the prior of their
        factors but the first, for each width of lines; wide : the share of stars with other widths than the first
    wave : (P,) Å; fwhm : of the spectrograph, Å
    error_factor : 1σ of ln of what errors may be wrong by; above 0, χ² of the best model tells
    model_sigma (P,), smooth (P, R) or None : what model spectra are wrong by, of the median flux
    """

    basis: np.ndarray
    axes: dict
    control: np.ndarray
    others: dict | None
    of_others: np.ndarray | None
    bank: np.ndarray
    labels: dict
    beta: float
    draws: int
    products: list
    centres: np.ndarray
    covariances: np.ndarray
    wide: float
    wave: np.ndarray
    fwhm: float
    error_factor: float
    model_sigma: np.ndarray
    smooth: np.ndarray | None
    about: dict
    knows_gaps = True

    @cached_property
    def emulator(self):
        axes, others = _arrays(self.axes), self.others
        if others:
            others = Others(**{**others, "axes": _arrays(others["axes"])})
        return Emulator(self.basis, axes, self.control, others, self.of_others)

    @cached_property
    def prior(self):
        return LabelPrior(self.labels, self.beta)

    @cached_property
    def _bank(self):
        """c (B, K) of the bank; in single precision, for a first idea."""
        return self.emulator.coefficients(self.bank).astype(np.float32)

    @cached_property
    def _widths(self):
        """Of each width of lines: its share, its products (P, L (K + 1)), and those of a first look."""
        found = []
        for width in widths(self.wide):
            basis = width.of(self.basis, self.wave, self.fwhm) if width.name else self.basis
            look = self._made(basis[:N_VECTORS], FIRST_LOOK) if self.wide else None
            found.append((width.share, self._made(basis, self.products), look))
        return found

    def _made(self, basis, products):
        """(P, L (K + 1)) float64: every product of a basis (K, P), and what it adds."""
        series, rows = Series(self.wave, self.fwhm), []
        for name in products:
            made, added = series.product(basis, tuple(name) if isinstance(name, list) else name)
            rows += [made, added[None]]
        return np.asfortranarray(np.concatenate(rows).T, np.float64)

    @cached_property
    def _random(self):
        return student_draws(self.draws, len(self.labels))

    def predict(self, flux, sigma, measured=None):
        """Columns (m,) of the posterior.

        Labels are its means; ``sigma_…``, ``cov_…``; ``q16_…`` and others: quantiles; ``ess``: effective draws;
        ``misfit``: of χ² of the best model, in units of its scatter.
        """
        return self.sampled(flux, sigma, [None] * len(flux), measured)

    def sampled(self, flux, sigma, proposals, measured=None):
        """The same; ``proposals``: of each star a mean and covariance of labels to start from, or None: the bank.

        The bank is where one starts, too, whose proposal turns out to be wrong.
        """
        if measured is not None:
            sigma = np.where(measured, sigma, np.inf)
        self._widths, self._bank, self._random  # noqa: B018  made once, before threads ask for them
        with threadpool_limits(1), ThreadPoolExecutor(_cores()) as pool:
            found = list(pool.map(self._of_star, flux, sigma, proposals))
        return {name: np.array([one[name] for one in found]) for name in (found[0] if found else ())}

    @property
    def order(self):
        """Where `LABELS` are among the labels of the grid."""
        return [list(self.labels).index(label) for label in LABELS]

    def samples(self, flux, sigma, n, *, seed):
        """(n, L) draws of the labels of the grid from the posterior of one star, flux and sigma (P,)."""
        theta, log_weight, _ = self._weighted(flux, sigma, None)
        return np.random.default_rng(seed).choice(theta, n, p=normalised_weights(log_weight))

    def _weighted(self, flux, sigma, proposal):
        """Labels (n, L), ln of their weights (n,), and the likelihood that these are by."""
        sigma = np.hypot(sigma, self.model_sigma)
        k = self._width(flux, sigma) if self.wide else 0
        prior = self.centres[k], self.covariances[k]
        likelihood = Likelihood(self._widths[k][1], flux, sigma, *prior, self.error_factor, self.smooth)
        known = proposal is not None and all(np.isfinite(values).all() for values in proposal)
        if known:
            theta, log_weight = self._drawn(likelihood, *proposal)
        if not known or effective(log_weight) < WRONG:
            theta, log_weight = self.bank, likelihood(self._bank)
        for _ in range(ROUNDS):
            if effective(log_weight) >= ENOUGH:
                break
            mean, covariance = moments(theta, tempered(log_weight, 2 * ENOUGH // 5))
            theta, log_weight = self._drawn(likelihood, mean, covariance)
        return theta, log_weight, likelihood

    def _of_star(self, flux, sigma, proposal):
        theta, log_weight, likelihood = self._weighted(flux, sigma, proposal)
        weights = tempered(log_weight, WRONG)  # a single draw that counts would have no covariance
        mean, covariance = (values[self.order] for values in moments(theta, weights))
        best = self.emulator.coefficients(theta[np.argmax(log_weight)][None])
        found = posterior_columns(mean, covariance[:, self.order])
        of_draws = quantiles(theta[:, self.order], weights, [*QUANTILES.values()])
        for name, values in zip(QUANTILES, of_draws, strict=True):
            found |= {f"{name}_{label}": value for label, value in zip(LABELS, values, strict=True)}
        return found | {"ess": effective(log_weight), "misfit": likelihood.misfit(best)}

    def _width(self, flux, sigma):
        """Which width of lines fits best, by a few models and in units of the noise that they leave."""
        c, prior, gains = self._bank[:N_MODELS, :N_VECTORS], np.diag([1.0, 1e2]), []
        for _, _, look in self._widths:
            likelihood = Likelihood(look, flux, sigma, np.zeros(2), prior)
            gains.append(likelihood.gain(c))
        chi2 = likelihood.power - 2 * np.array(gains)
        shares = np.array([share for share, _, _ in self._widths])
        return np.argmax(-0.5 * chi2 / max(1.0, chi2.min() / likelihood.n_pixels) + np.log(shares))

    def _drawn(self, likelihood, mean, covariance):
        """Labels (n, L) around a mean with a covariance, brought within the prior, and ln of their weights (n,)."""
        low, high = self.prior.ranges.T
        width = high - low
        wide = np.minimum(1, WIDEST * width / np.sqrt(np.diag(covariance) + 1e-300))
        covariance = covariance * np.outer(wide, wide) + np.diag(np.square(SPREAD * width))
        theta, log_proposal = self._random(np.clip(mean, low, high), covariance)
        log_weight = self.prior.log_density(theta) - log_proposal
        if not np.isfinite(log_weight).any():  # at a corner of the prior: brought within
            margin = SPREAD * width
            theta = np.clip(theta, low + margin, high - margin)
            log_weight = self.prior.log_density(theta) - log_proposal
        inside = np.isfinite(log_weight)
        log_weight[inside] += likelihood(self.emulator.coefficients(theta[inside]))
        return theta, log_weight


def _arrays(axes):
    return {name: np.asarray(positions) for name, positions in axes.items()}


def _cores():
    """Cores that this process may use: those of its job, where a cluster says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def fit(
    forward,
    *,
    bank: Count = 4096,
    draws: Count = 512,
    components: Count = 120,
    degree: Literal[0, 1, 2] = 0,
):
    """``Posterior`` of the forward model of the data set; nothing is fitted but its emulator."""
    return Posterior(**emulated(forward, bank, components, degree), draws=draws)
