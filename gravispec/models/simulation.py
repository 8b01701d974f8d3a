"""Noisy spectra in the projected space, drawn anew at every step of a training: with noise, nuisances and gaps.

Nuisances are a series of products (``gravispec.spectra.nuisances``), each linear in the flux, and so is the projection:
of a star that is made of K' vectors only its K' coefficients are kept, and of every product and set of measured pixels
a matrix that takes them to the projected space.
"""

import numpy as np
import torch
from sklearn.utils.extmath import randomized_svd

from gravispec.labels import LABELS
from gravispec.models.projection import N_BASIS, wiener
from gravispec.spectra.model_error import model_sigma, smooth_errors
from gravispec.spectra.nuisances import KINDS, TERMS, Series, values_of, widths, within
from gravispec.spectra.observing import variance_components, variance_factors

N_VIEWS = 128  # sets of measured pixels that a network sees
TOGETHER = 64  # stars of a step with the same set
N_PRODUCTS = len(TERMS) + 1  # that multiply coefficients; the factor of the last, of the cores, stands alone, too
FAINTEST = 0.01  # mean flux: a draw below it would have no logarithm of its noise
TENTH = 10  # parts of the stars that are renewed in turn
N_VECTORS = 120  # that clean flux is made of


class Stars:
    """Clean stars in the projected space, from which noisy ones are drawn."""

    OF_STAR = ("raw", "amplitudes", "scale")

    def __init__(self, forward, projection, stars, device):
        raw, parameters = [], []
        for flux, of_errors in forward.spectra(stars):
            raw.append(projection.raw(flux))
            parameters.append(of_errors)
        self.raw = torch.as_tensor(np.concatenate(raw), device=device)
        factors = variance_factors(forward.wave, np.concatenate(parameters))
        triangles, of_scale = projection.triangles(variance_components(forward.wave))
        self.amplitudes = torch.as_tensor(np.sqrt(factors), dtype=torch.float32, device=device)  # (n, 3)
        self.scale = torch.as_tensor(np.sqrt(factors @ of_scale), dtype=torch.float32, device=device)  # (n,)
        self.triangles = torch.as_tensor(triangles, device=device)
        self.mean = torch.as_tensor(projection.mean, device=device)

    def spread(self):
        """(K,) standard deviations of z among the clean stars."""
        return (self.raw[:, :-1] / self.raw[:, -1:] - self.mean).std(dim=0).cpu().numpy()

    def noisy(self, rows, level, stream):
        """z (B, K) and s (B,) of these stars at noise levels ``level`` (B,), with noise from the torch ``stream``."""
        raw = self.raw[rows]
        for amplitude, triangle in zip((level[:, None] * self.amplitudes[rows]).T, self.triangles, strict=True):
            normal = torch.randn(raw.shape, generator=stream, device=raw.device)
            raw = raw + (amplitude[:, None] * normal) @ triangle.T
        return raw[:, :-1] / raw[:, -1:] - self.mean, level * self.scale[rows] / raw[:, -1]


class ObservedStars:
    """Clean stars, from which noisy ones with nuisances and gaps are drawn.

    views : ``Views``; basis : (K', P), that of their operators
    """

    OF_STAR = ("coefficients", "factors")

    def __init__(self, forward, views, basis, stars, device):
        wave, nuisances = forward.wave, forward.nuisances
        coefficients, parameters = [], []
        for flux, of_errors in forward.spectra(stars):
            coefficients.append(flux @ basis.T)
            parameters.append(of_errors)
        self.coefficients = _tensor(np.concatenate(coefficients), device)  # (n, K')
        self.factors = _tensor(variance_factors(wave, np.concatenate(parameters)), device)  # (n, 3)
        self.series, self.scales = Series(wave, nuisances["fwhm"]), nuisances["scales"]
        self.device, self.views = device, views

    def noisy(self, rows, level, stream):
        """ẑ (B, K), s (B,) and r (B, K) of these stars at noise levels ``level`` (B,), from the torch ``stream``."""
        coefficients, factors = self.coefficients[rows], self.factors[rows]
        n, found = len(level), []
        unit = torch.randn((n, len(KINDS)), generator=stream, device=self.device).cpu().double().numpy()
        uniform = torch.rand(n, generator=stream, device=self.device).cpu().double().numpy()
        seen = torch.randint(self.views.n, (-(-n // TOGETHER),), generator=stream, device=self.device).tolist()
        for i, k in enumerate(seen):
            part, width = slice(i * TOGETHER, (i + 1) * TOGETHER), self.views.widths[k]
            values = values_of(unit[part], self.scales)
            if width.name:
                values[width.name] = width.value(uniform[part])
            terms = _tensor(self.series.terms(values, width), self.device)
            products = (terms[:, :N_PRODUCTS, None] * coefficients[part, None]).flatten(1)
            made = torch.cat([products, terms[:, N_PRODUCTS - 1 :]], dim=1)
            found.append(self.views.noisy(k, made, factors[part], level[part], stream))
        return tuple(torch.cat(of) for of in zip(*found, strict=True))


class Views:
    """What simulated stars look like in each ``View``, with lines of the ``Width`` that goes with it.

    basis : (K', P), the vectors that stars are made of
    """

    def __init__(self, views, basis, forward, device):
        wave, fwhm = forward.wave, forward.nuisances["fwhm"]
        cells = widths(forward.nuisances["scales"]["wide"])
        shares = np.cumsum([width.share for width in cells])
        at = np.random.default_rng(1).permutation((np.arange(len(views)) + 0.5) / len(views))
        self.n, self.widths = len(views), [cells[k] for k in np.searchsorted(shares, at)]
        self._held, series = [None] * self.n, Series(wave, fwhm)
        of_model = model_sigma(wave, fwhm, forward.nuisances["scales"])
        components = np.vstack([variance_components(wave), of_model**2])
        smooth = smooth_errors(wave, forward.nuisances["scales"])
        for width in dict.fromkeys(self.widths):
            operators = series.operators(width.of(basis, wave, fwhm))
            for k in [k for k, one in enumerate(self.widths) if one == width]:
                view, seen = views[k], np.flatnonzero(views[k].measured)
                matrix = operators[:, seen] @ view.rows[:, seen].T.astype(np.float32)
                triangles, of_scale = view.triangles(components, smooth)
                held = (matrix, triangles, of_scale[:-1], view.mean, view.values, view.vectors, view.spread)
                self._held[k] = tuple(_tensor(values, device) for values in held)

    def noisy(self, k, made, factors, level, stream):
        """ẑ, s and r of stars with the same gaps, from factors of operators (b, 16 K' + 4)."""
        matrix, triangles, of_scale, mean, values, vectors, spread = self._held[k]
        raw = made @ matrix
        amplitudes = torch.cat([level[:, None] * factors.sqrt(), torch.ones_like(level)[:, None]], dim=1)
        for amplitude, triangle in zip(amplitudes.T, triangles, strict=True):
            normal = torch.randn(raw.shape, generator=stream, device=raw.device)
            raw = raw + (amplitude[:, None] * normal) @ triangle.T
        amplitude = raw[:, -1].clamp(min=FAINTEST)
        y, s = raw[:, :-1] / amplitude[:, None] - mean, level * (factors @ of_scale).sqrt() / amplitude
        z, r = wiener(y, s, values, vectors, spread)
        return z, s, r


def renewed(shuffle, made, forward, stars, y, scaled, done=0):
    """``shuffle`` that before every epoch but the first replaces a tenth of the ``stars`` and their ``y`` (n, T).

    made : from a table to stars of the same kind; scaled : from labels to y; done : epochs before this one
    """
    n, epoch = len(y), done

    def renew(epoch):
        part = (epoch - 1) % TENTH
        lo, hi = part * n // TENTH, (part + 1) * n // TENTH
        size = -(-n // TENTH)
        table = forward.stars(epoch * size, split="unlimited", first=(epoch - 1) * size)[: hi - lo]
        new = made(table)
        for name in stars.OF_STAR:
            getattr(stars, name)[lo:hi] = getattr(new, name)
        y[lo:hi] = torch.as_tensor(scaled(table[list(LABELS)].to_numpy()), dtype=y.dtype, device=y.device)

    for earlier in range(max(2, epoch - TENTH + 1), epoch + 1):
        renew(earlier)

    def next_order(n):
        nonlocal epoch
        epoch += 1
        if epoch > 1:
            renew(epoch)
        return shuffle(n)

    return next_order


def _tensor(values, device):
    return torch.as_tensor(np.asarray(values, np.float32), device=device)


def clean_basis(forward):
    """(K', P) vectors that clean flux is made of, from stars of a stream of their own."""
    flux = np.empty((N_BASIS, len(forward.wave)), np.float32)
    row = 0
    for block, _ in forward.spectra(forward.stars(N_BASIS, split="basis")):
        flux[row : row + len(block)] = block
        row += len(block)
    return randomized_svd(flux, N_VECTORS, n_iter=2, random_state=0)[2].astype(np.float32)


def gaps(wave, scales, *, n=N_VIEWS, seed=0):
    """(n, P) bool, sets of measured pixels: the first of all, others without windows, scattered pixels, or an end.

    Every other set lacks all windows, as those of spectra from the ground are taken out, the others each with its
    probability. Every fourth set lacks pixels at random, too, as cosmic rays have it, and every fourth is a part of the
    range alone.
    """
    rng, P = np.random.default_rng(seed), len(wave)
    measured = np.ones((n, P), bool)
    for i in range(1, n):
        for low, high in scales["windows"]:
            if rng.random() < scales["missing"] or i // 4 % 2:
                measured[i, within(wave, low, high)] = False
        if i % 4 == 1:
            measured[i, rng.random(P) < rng.uniform(0, 0.1)] = False
        if i % 4 == 2:
            size = int(P * rng.uniform(0.2, 0.95))
            first = rng.integers(0, P - size + 1)
            measured[i, :first] = measured[i, first + size :] = False
    return measured[measured.sum(axis=1) > P // 10]
