"""Posterior of the labels by the forward model: the limit that no estimator beats (method.md section 7).

For a star with flux f, weights w = 1/σ² and the model spectrum m(θ), times a continuum a + Σ c_k x^k (x from -1 to 1
over the pixels, k = 1 … K) with a flat prior on a and c_k ~ N(0, (â τ_k)²),

    ln p(θ | f) = ½ bᵀ (G + Λ)⁻¹ b - ½ ln |G + Λ| + ½ ln |Λ₊| + ln π(θ),
    b_k = Σ w f m x^k,   G_kl = Σ w m² x^(k+l),   Λ = diag(0, (â τ_k)⁻²),   â = Σ w f m / Σ w m².

A bank of models drawn from the prior gives a first idea; importance sampling from Student's t around it, of the same
quasi-random numbers for every star, is repeated until the effective sample size suffices. Masked pixels have w = 0.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.linalg.blas import dsyrk
from threadpoolctl import threadpool_limits

from gravispec.labels import LABELS
from gravispec.models.importance import effective, moments, normalised_weights, student_draws, tempered
from gravispec.models.inference import posterior_columns
from gravispec.models.model import Model
from gravispec.options import Count
from gravispec.spectra.emulator import Emulator, emulation_error, fit_emulator
from gravispec.spectra.forward import log_prior

DECLARES = ("all_levels", "no_fit", "slow", "limit", "posterior")
COST = {"seconds": 30, "ms": 60, "MB": 900}
SLOPES = (0.15, 0.04)  # τ_k of flux slope and curvature, relative to the flux
SPREAD, WIDEST = 1e-3, 0.5  # standard deviations of a proposal in units of the range of a label: at least, at most
N_CHECKED = 500  # spectra that the emulator is compared with
ROUNDS = 5
ENOUGH, WRONG = 100, 10  # effective draws; those with which a proposal counts for nothing


@dataclass
class Posterior(Model):
    """axes, basis, control : of the ``Emulator``; bank (B, L): labels drawn from the prior.

    prior (L, 2), beta : ranges and shape of the prior; degree : of the continuum; draws : in a round.
    """

    axes: dict
    basis: np.ndarray
    control: np.ndarray
    bank: np.ndarray
    prior: np.ndarray
    beta: float
    degree: int
    draws: int
    about: dict

    @cached_property
    def emulator(self):
        return Emulator({name: np.asarray(nodes) for name, nodes in self.axes.items()}, self.basis, self.control)

    @cached_property
    def _bank(self):
        """c (B, K) of the bank; in single precision, for a first idea."""
        return self.emulator.coefficients(self.bank).astype(np.float32)

    @cached_property
    def _basis(self):
        return np.asfortranarray(self.basis.T, np.float64)  # (P, K)

    @cached_property
    def _random(self):
        return student_draws(self.draws, len(self.axes))

    def predict(self, flux, sigma):
        """Labels (m,): posterior means; ``sigma_…``, ``cov_…``; ``ess``; ``misfit``, of χ² in units of its scatter."""
        return self.sampled(flux, sigma, [None] * len(flux))

    def sampled(self, flux, sigma, proposals):
        """The same; ``proposals``: of each star a mean and covariance of labels to start from, or None: the bank.

        The bank is where one starts, too, whose proposal turns out to be wrong.
        """
        with threadpool_limits(1), ThreadPoolExecutor(_cores()) as pool:
            found = list(pool.map(self._of_star, flux, sigma, proposals))
        return {name: np.array([one[name] for one in found]) for name in (found[0] if found else ())}

    @property
    def order(self):
        """Where `LABELS` are among the labels of the grid."""
        return [list(self.axes).index(label) for label in LABELS]

    def _of_star(self, flux, sigma, proposal):
        likelihood = Likelihood(self._basis, flux, sigma, self.degree)
        if proposal is not None:
            theta, log_weight = self._drawn(likelihood, *proposal)
        if proposal is None or effective(log_weight) < WRONG:
            theta, log_weight = self.bank, likelihood(self._bank)
        for _ in range(ROUNDS):
            if effective(log_weight) >= ENOUGH:
                break
            mean, covariance = moments(theta, tempered(log_weight, 2 * ENOUGH // 5))
            theta, log_weight = self._drawn(likelihood, mean, covariance)
        mean, covariance = (values[self.order] for values in moments(theta, normalised_weights(log_weight)))
        best = self.emulator.coefficients(theta[np.argmax(log_weight)][None])
        found = posterior_columns(mean, covariance[:, self.order])
        return found | {"ess": effective(log_weight), "misfit": likelihood.misfit(best)}

    def _drawn(self, likelihood, mean, covariance):
        """Labels (n, L) around a mean with a covariance, brought within the prior, and ln of their weights (n,)."""
        (low, high), width = self.prior.T, np.ptp(self.prior, axis=1)
        wide = np.minimum(1, WIDEST * width / np.sqrt(np.diag(covariance) + 1e-300))
        covariance = covariance * np.outer(wide, wide) + np.diag(np.square(SPREAD * width))
        theta, log_proposal = self._random(np.clip(mean, low, high), covariance)
        log_weight = log_prior(theta, self.prior, self.beta) - log_proposal
        inside = np.isfinite(log_weight)
        log_weight[inside] += likelihood(self.emulator.coefficients(theta[inside]))
        return theta, log_weight


def _cores():
    """Cores that this process may use: those of its job, where a cluster says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Likelihood:
    """ln of the likelihood of models c (n, K) of a basis (P, K), of one star, with its continuum marginalised."""

    def __init__(self, basis, flux, sigma, degree):
        flux, root = np.asarray(flux, np.float64), 1 / np.asarray(sigma, np.float64)
        weight, x = root**2, np.linspace(-1, 1, len(flux))
        self.degree, self.n_pixels = degree, np.count_nonzero(weight)
        self.power = np.sum(weight * flux**2)
        self.linear = np.stack([(weight * flux * x**k) @ basis for k in range(degree + 1)])  # (degree + 1, K)
        self.square = [_gram(basis, root, x**k) for k in range(2 * degree + 1)]

    def __call__(self, c):
        """(n,) of models c (n, K)."""
        return self._terms(c)[0]

    def misfit(self, c):
        """(χ² of the best of these models - pixels) / √(2 pixels)."""
        chi2 = self.power - 2 * self._terms(c)[1].max()
        return (chi2 - self.n_pixels) / np.sqrt(2 * self.n_pixels)

    def _terms(self, c):
        linear, square = self.linear.astype(c.dtype), [square.astype(c.dtype) for square in self.square]
        b = (c @ linear.T).astype(np.float64)  # (n, degree + 1)
        squares = np.stack([np.einsum("nk,nk->n", c @ one, c) for one in square], axis=1).astype(np.float64)
        if not self.degree:
            gain = 0.5 * b[:, 0] ** 2 / squares[:, 0]
            return gain - 0.5 * np.log(squares[:, 0]), gain
        k = np.arange(self.degree + 1)
        G = squares[:, k[:, None] + k]
        amplitude = b[:, 0] / squares[:, 0]
        penalty = np.zeros_like(b)
        penalty[:, 1:] = (amplitude[:, None] * np.array(SLOPES[: self.degree])) ** -2.0
        G = G + penalty[:, :, None] * np.eye(self.degree + 1)
        gain = 0.5 * np.einsum("nk,nk->n", b, np.linalg.solve(G, b[:, :, None])[:, :, 0])
        return gain - 0.5 * np.linalg.slogdet(G)[1] + 0.5 * np.log(penalty[:, 1:]).sum(axis=1), gain


def _gram(basis, root, power):
    """Σ w x^k B B (K, K) over the pixels, of basis (P, K) and the root of w."""
    weighted = basis * root[:, None]
    if (power >= 0).all():
        found = dsyrk(1.0, weighted * np.sqrt(power)[:, None], trans=1)
        return found + np.triu(found, 1).T
    return (weighted * power[:, None]).T @ weighted


def fit(
    forward,
    *,
    bank: Count = 4096,
    draws: Count = 512,
    components: Count = 120,
    degree: Literal[0, 1, 2] = 0,
):
    """``Posterior`` of the forward model of the data set; nothing is fitted but its emulator."""
    return Posterior(**emulated(forward, bank, components), degree=degree, draws=draws)


def emulated(forward, bank, components):
    """What a ``Posterior`` knows of the forward model, ``{field: value}``, with ``bank`` models from the prior."""
    emulator = fit_emulator(forward.grid, components)
    labels = np.ascontiguousarray(forward.stars(max(bank, N_CHECKED), split="bank")[forward.axes])
    missed = emulation_error(emulator, forward.grid, labels[:N_CHECKED])
    median, worst = np.quantile(missed, [0.5, 0.95]).tolist()
    print(f"emulator: {len(emulator.control)} nodes, rms {median:.1e} in the median, {worst:.1e} in 95 %", flush=True)
    return {
        "axes": {name: nodes.tolist() for name, nodes in emulator.axes.items()},
        "basis": emulator.basis,
        "control": emulator.control.astype(np.float32),
        "bank": labels[:bank],
        "prior": forward.ranges,
        "beta": forward.labels["beta"],
        "about": {"nodes": len(emulator.control), "rms_median": median, "rms_95": worst},
    }
