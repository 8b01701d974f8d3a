"""Radial velocities of spectra that come without: χ² of model spectra at every velocity.

On pixels of equal steps in ln λ, for each template t and velocity v, over the measured pixels with w = 1/σ²,

    Δχ²(v) = (Σ w l t_v)² / Σ w t_v²,    l = flux / continuum - 1,

is by how much χ² falls for the best depth of the lines. The continuum is a running mean, of l and t alike. A parabola
through the highest value and its neighbours gives velocity and error: Δχ² falls by max(1, χ² a pixel) at 1σ.
"""

from functools import cached_property

import numpy as np
from scipy.ndimage import uniform_filter1d

from gravispec.data.arrays import blocks
from gravispec.observed.reading import LIGHT, LIMIT
from gravispec.observed.resample import resample
from gravispec.spectra.wavelength import air_to_vacuum

STEP = 3e-5  # of ln λ, 9 km/s
CONTINUUM = 0.0125  # of ln λ, 100 Å
ROWS = 128  # spectra at a time
APART = 75.0  # km/s, beyond which a maximum is another one
CLEAR = 16.0  # in units of χ² a pixel, by which the highest maximum has to exceed the next
FLOOR = 1.0  # km/s, the least error: no template is the star
AIR = LIGHT * (air_to_vacuum(8000.0) / 8000.0 - 1)  # km/s, between air and vacuum


class Finder:
    """Measures velocities by ``templates`` (T, P), at rest on the pixels ``wave`` (P,), Å, vacuum, of any unit."""

    def __init__(self, wave: np.ndarray, templates: np.ndarray):
        self.model_wave, self.templates = wave, np.atleast_2d(templates)
        self.reach = int(np.ceil(LIMIT / LIGHT / STEP))
        first, last = np.log(wave[[0, -1]])
        self.n_rest = int((last - first) / STEP) + 1
        n_pixels = self.n_rest + 2 * self.reach
        self.wave = np.exp(first + STEP * (np.arange(n_pixels) - self.reach))
        self.velocity = LIGHT * np.tanh(STEP * np.arange(-self.reach, self.reach + 1))

    @cached_property
    def _shifted(self):
        """Lines of every template at every velocity (V T, N) float32, transposed, and their squares."""
        rest = self.wave[self.reach : self.reach + self.n_rest]
        lines = np.stack([np.interp(rest, self.model_wave, template) for template in self.templates])
        lines = _lines(lines, np.ones(lines.shape, bool))
        shifted = np.zeros((len(self.velocity), len(lines), len(self.wave)), np.float32)
        for lag in range(len(self.velocity)):
            shifted[lag, :, lag : lag + self.n_rest] = lines
        shifted = np.ascontiguousarray(shifted.reshape(-1, len(self.wave)).T)
        return shifted, shifted**2

    def __call__(self, wave, flux, error, bad):
        """Velocities and their 1σ (n,), km/s, 0 and NaN where no velocity is clearly the best.

        ``flux``, ``error``, ``bad`` (n, Q) are on ``wave``, (Q,) or (n, Q), Å, vacuum, increasing.
        """
        found = np.zeros((2, len(flux)))
        for lo, hi in blocks(0, len(flux), ROWS):
            own = wave if wave.ndim == 1 else wave[lo:hi]
            on_grid = resample(flux[lo:hi], error[lo:hi], bad[lo:hi], own, self.wave, np.ones(hi - lo), effective=True)
            found[:, lo:hi] = self._of_lines(*on_grid)
        return found

    def _of_lines(self, flux, error, missing):
        good = ~missing
        lines, scale = _lines(flux, good, with_scale=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(good & (error > 0), np.square(scale / error), 0).astype(np.float32)
        shape = len(flux), len(self.velocity), len(self.templates)
        shifted, squares = self._shifted
        product, power = (weight * lines) @ shifted, weight @ squares
        gain = np.where(product > 0, np.square(product) / np.maximum(power, 1e-30), 0).reshape(shape)
        n = np.maximum((weight > 0).sum(axis=1) * STEP * self.wave.mean() / np.diff(self.model_wave).mean(), 1)
        rows, best = np.arange(len(flux)), gain.max(axis=(1, 2))
        noise = np.maximum((np.sum(weight * np.square(lines), axis=1) - best) / n, 1)
        peak, which = np.divmod(gain.reshape(len(flux), -1).argmax(axis=1), shape[2])
        inner = np.clip(peak, 1, shape[1] - 2)
        before, top, after = (gain[rows, inner + i, which] for i in (-1, 0, 1))
        curvature = before - 2 * top + after
        clear = (best - self._next(gain.max(axis=2), peak)) / noise > CLEAR
        clear &= (peak == inner) & (curvature < 0)
        curvature = np.where(clear, curvature, -1.0)
        lag = inner - self.reach + 0.5 * (before - after) / curvature
        sigma = LIGHT * STEP * np.sqrt(2 * noise / -curvature)
        return np.where(clear, LIGHT * np.tanh(STEP * lag), 0), np.where(clear, np.hypot(sigma, FLOOR), np.nan)

    def _next(self, profile, peak):
        """(n,) the highest other maximum of (n, V) that is ``APART``."""
        maximum = np.zeros(profile.shape, bool)
        maximum[:, 1:-1] = (profile[:, 1:-1] >= profile[:, :-2]) & (profile[:, 1:-1] >= profile[:, 2:])
        maximum[:, [0, -1]] = True
        away = np.abs(self.velocity - self.velocity[peak][:, None]) > APART
        return np.where(maximum & away, profile, 0).max(axis=1)


def _lines(flux, good, *, with_scale=False):
    """flux / continuum - 1 (n, N), 0 where it is not ``good``; and the continuum."""
    size = round(CONTINUUM / STEP)
    share = uniform_filter1d(good.astype(np.float64), size, axis=1)
    total = uniform_filter1d(np.where(good, flux, 0).astype(np.float64), size, axis=1)
    continuum = np.divide(total, share, out=np.ones_like(total), where=share > 0.5 / size)
    continuum = np.where(continuum > 0, continuum, np.inf)  # of nothing but noise
    lines = np.where(good, flux / continuum - 1, 0).astype(np.float32)
    lines[~np.isfinite(continuum)] = 0
    return (lines, np.where(np.isfinite(continuum), continuum, 0)) if with_scale else lines


def looks_like_another_medium(velocity: np.ndarray, error: np.ndarray) -> str:
    """One line for a log where measured velocities (n,) agree on what air and vacuum are apart; else ""."""
    measured = velocity[np.isfinite(error)]
    if len(measured) < 5:
        return ""
    median = np.median(measured)
    scatter = 1.4826 * np.median(np.abs(measured - median))
    if abs(abs(median) - AIR) > 10 or scatter > 30:
        return ""
    said = "vacuum, but are in air" if median < 0 else "air, but are in vacuum"
    return (
        f"warning: the {len(measured)} velocities that were measured are {median:+.0f} km/s in the median, and air and "
        f"vacuum are {AIR:.0f} km/s apart: are the wavelengths said to be in {said}? --medium says otherwise"
    )
