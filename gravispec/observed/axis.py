"""The wavelengths of observed spectra: can they be used, in which order are they, which pixels are needed."""

import numpy as np

from gravispec.observed.raw import Raw
from gravispec.spectra.wavelength import air_to_vacuum


def axis_problems(raw: Raw) -> np.ndarray:
    """(n,) objects, "" or why the wavelengths of a row cannot be used: they have to increase, or to decrease."""
    if raw.wave.ndim == 1:
        return np.where(raw.problem == "", _problem(raw.wave), raw.problem).astype(object)
    problem = raw.problem.astype(object)
    for row in np.flatnonzero((problem == "") & ~_is_monotonic(raw.wave)):
        problem[row] = _problem(raw.wave[row])
    return problem


def _is_monotonic(wave):
    """Of every row of (n, Q); ends above 0 that are finite have finite numbers between them."""
    if wave.shape[1] < 2:
        return np.zeros(len(wave), bool)
    step, ends = np.diff(wave, axis=1), wave[:, [0, -1]]
    return ((step > 0).all(axis=1) | (step < 0).all(axis=1)) & ((ends > 0) & np.isfinite(ends)).all(axis=1)


def _problem(wave):
    """Why (Q,) is no axis, or ""."""
    if _is_monotonic(wave[None])[0]:
        return ""
    if len(wave) < 2:
        return f"wavelengths of {len(wave)} pixels; at least two are needed"
    step = np.diff(wave)
    good = np.isfinite(wave) & (wave > 0)
    if np.isfinite(step).all() and not step.any():
        return f"wavelengths must increase or decrease from pixel to pixel; all are {wave[0]:.3f} Å"
    trend = np.sign(np.nansum(np.sign(step))) or 1  # what most pixels do
    wrong = ~(step * trend > 0) | ~good[:-1] | ~good[1:]
    pixel = int(np.argmax(wrong))
    return (
        f"wavelengths must be above 0 and must increase or decrease from pixel to pixel; pixel {pixel} has "
        f"{wave[pixel]:.3f} Å and the next {wave[pixel + 1]:.3f} Å"
    )


def increasing(raw: Raw, medium: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vacuum wavelengths, flux, error and mask; every row that has its pixels in decreasing order is reversed."""
    wave = air_to_vacuum(raw.wave) if medium == "air" else raw.wave
    down = np.atleast_2d(wave)[:, 0] > np.atleast_2d(wave)[:, -1]
    arrays = wave, raw.flux, raw.error, raw.bad
    if down.all():
        return tuple(array[..., ::-1] for array in arrays)
    if not down.any():
        return arrays
    turned = [array.copy() for array in arrays]
    for array in turned:
        array[down] = array[down, ::-1]
    return tuple(turned)


def outside(raw_wave: np.ndarray, wave: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """(n,) objects, "" or that the row's wavelengths share nothing with `wave` (P,) times `factor` (n,)."""
    first, last = (np.broadcast_to(np.atleast_2d(raw_wave)[:, i], len(factor)) for i in (0, -1))
    problem = np.full(len(factor), "", dtype=object)
    for row in np.flatnonzero((last < wave[0] * factor) | (first > wave[-1] * factor)):
        problem[row] = (
            f"covers {first[row]:.1f}-{last[row]:.1f} Å, the model {wave[0]:.1f}-{wave[-1]:.1f} Å; check the unit of "
            "the wavelengths, or take a model for them"
        )
    return problem


def needed(raw_wave, flux, error, bad, wave, factor, margin) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The pixels that `wave` (P,) times `factor` (n,) needs in any row, `margin`, Å, and two more on either side."""
    low, high = wave[0] * factor.min() - margin, wave[-1] * factor.max() + margin
    below = (np.atleast_2d(raw_wave) < low).sum(axis=1).min()
    above = (np.atleast_2d(raw_wave) > high).sum(axis=1).min()
    pixels = slice(max(below - 2, 0), raw_wave.shape[-1] - max(above - 2, 0))
    return raw_wave[..., pixels], flux[:, pixels], error[:, pixels], bad[:, pixels]
