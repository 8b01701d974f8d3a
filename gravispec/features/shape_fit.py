"""Templates of deviations from the training spectra, and the tests for them (``gravispec.features.shape``).

Pixels in units of their noise, training spectra of a kind of star vary in a few directions, their signal: the leading
singular vectors. A template counts as far as it lies outside of them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize_scalar
from sklearn.utils.extmath import randomized_svd

from gravispec.features.shape import NAMES, Shape
from gravispec.spectra.stress import core_pixels

CELLS = 3  # in T_eff and in M_H, at most, of equally many training stars
MIN_STARS = 600  # a cell
STARS = 2500  # of a cell, at most
N_SIGNAL = 15  # directions that count as signal
N_SCORES = 4  # of them, those that tell a star's own template
FALSE_ALARMS = 0.005  # of validation stars for each deviation, half on either side
BLUR = 1.0  # Å, standard deviation
TINY = np.finfo(np.float32).tiny


#: deviation: its template (n, P), of ``spectra`` (n, P) whose continuum is ``one`` (n, 1), on ``wave`` (P,), Å
TEMPLATES = {
    # blurred less sharp: the amplitude is the variance, in `BLUR`², that lines wider than `BLUR` have grown by
    "LINE_WIDTH": lambda spectra, one, wave: (
        gaussian_filter1d(spectra, BLUR / np.median(np.diff(wave)), axis=1, mode="nearest") - spectra
    ),
    # the amplitude is the share of the depth of the Ca II cores that is filled
    "LINE_CORE": lambda spectra, one, wave: core_pixels(wave) * (one - spectra),
    # the amplitude is c / (1 + c): a constant c added to flux f of median 1 makes it (f + c) / (1 + c)
    "LINE_DEPTH": lambda spectra, one, wave: one - spectra,
    # the amplitude is the slope over the whole spectrum
    "SLOPE": lambda spectra, one, wave: ((wave - wave[0]) / (wave[-1] - wave[0]) - 0.5) * spectra,
}


def fit_shape(read: Callable, T_eff: np.ndarray, M_H: np.ndarray, wave: np.ndarray) -> Shape:
    """``Shape`` without floor and limits from training stars with these labels (n,), on ``wave`` (P,), Å.

    ``read(rows)``: noisy flux and 1σ errors (m, P) of the stars of these rows (m,), which increase.
    """
    n = int(np.clip(np.sqrt(len(T_eff) / MIN_STARS), 1, CELLS))
    edges = [np.quantile(label, np.arange(1, n) / n) for label in (T_eff, M_H)]
    empty = Shape(*edges, *[None] * 6)
    cell = empty.cell(T_eff, M_H)
    parts = []
    for c in range(n * n):
        rows = np.flatnonzero(cell == c)[:STARS]
        # labels need not be independent in every sample: an empty cell takes stars of all kinds
        parts.append(_fit_cell(*read(rows if len(rows) > N_SIGNAL else np.arange(min(STARS, len(cell)))), wave))
    stacked = (np.stack(arrays).astype(np.float32) for arrays in zip(*parts, strict=True))
    floor, limits = np.zeros((len(parts), len(NAMES))), np.tile([-np.inf, np.inf], (len(NAMES), 1))
    return Shape(*edges, *stacked, floor, limits)


def _fit_cell(flux, sigma, wave):
    """mean, read, power and noise of one cell. Every star counts by its S/N, every pixel by its noise."""
    noise = np.median(np.square(sigma), axis=0).astype(float)  # (P,)
    of_star = np.sqrt(np.median(np.square(sigma) / noise.astype(np.float32), axis=1))
    mean = np.average(flux, axis=0, weights=of_star**-2.0)
    unit = np.sqrt(noise)
    whitened = (flux - mean.astype(np.float32)) / unit.astype(np.float32) / of_star[:, None]
    signal = randomized_svd(whitened, min(N_SIGNAL, *flux.shape), n_iter=4, random_state=0)[2].astype(float)
    leading = signal[:N_SCORES]
    spectra, one = np.vstack([mean, leading * unit]), np.eye(len(leading) + 1)[:, :1]
    weights, power, share = [], [], []
    for name in NAMES:
        whole = TEMPLATES[name](spectra, one, wave) / unit
        outside = whole - (whole @ signal.T) @ signal
        weights.append(outside / unit)
        power.append(outside @ outside.T)
        share.append(np.square(outside[0]) / noise / max(power[-1][0, 0], TINY))
    return mean, np.vstack([leading / unit, *weights]).T, np.array(power), np.transpose(share)


def calibrated(shape: Shape, amplitude: np.ndarray, error: np.ndarray, cell: np.ndarray) -> Shape:
    """``shape`` with its floor and limits, from amplitudes and errors (n, J) of validation stars by the one without.

    The floor is that of greatest likelihood for normal amplitudes; the limits are quantiles, of no distribution.
    """
    floor = np.zeros_like(shape.floor)
    for c, j in np.ndindex(floor.shape):
        stars = cell == c
        if stars.any():
            floor[c, j] = _extra_scatter(amplitude[stars, j], error[stars, j])
    z = amplitude / np.hypot(error, floor[cell])
    limits = np.quantile(z, [FALSE_ALARMS / 2, 1 - FALSE_ALARMS / 2], axis=0).T
    return replace(shape, floor=floor, limits=limits)


def _extra_scatter(amplitude, error):
    """s >= 0 of greatest likelihood if the amplitudes (n,) are normal with standard deviations √(error² + s²)."""

    def cost(log_s):
        variance = np.square(error) + np.exp(2 * log_s)
        return np.mean(np.log(variance) + np.square(amplitude) / variance)

    typical = np.log(np.median(error))
    return np.exp(minimize_scalar(cost, bounds=(typical - 5, typical + 5), method="bounded").x)
