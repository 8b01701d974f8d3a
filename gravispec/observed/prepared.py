"""Observed spectra on the model's pixels, normalised as in training."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.constants import c

from gravispec.errors import InputError
from gravispec.observed.mask import fill
from gravispec.observed.raw import Raw
from gravispec.observed.resample import resample
from gravispec.spectra.normalise import row_median
from gravispec.spectra.wavelength import air_to_vacuum

LIGHT = c / 1e3  # km/s
SAME_PIXELS = 2e-3  # pixels; wavelengths that agree to this are the same. Rounding to float32 is 1.2e-3 at 8800 Å
ENOUGH = 0.8  # a spectrum needs measurements in this fraction of the model's pixels


@dataclass(frozen=True)
class Prepared:
    """One batch of spectra on the model's pixels; flux divided by its median, as in training."""

    source: str  # file they came from
    star_id: np.ndarray  # (n,) str
    flux: np.ndarray  # (n, P) float32, filled where masked; NaN rows where the spectrum is unusable
    error: np.ndarray  # (n, P) float32, 1σ, in the units of flux
    filled: np.ndarray  # (n, P) bool: pixel was masked or missing; flux and error are a first guess
    offset: np.ndarray  # (n,) measured wavelength offset against the template in pixels, NaN where not measurable
    problem: np.ndarray  # (n,) str, '' or why the spectrum is unusable


def prepare(raw: Raw, source: str, wave: np.ndarray, *, medium: str | None, velocity) -> Prepared:
    """`raw` on the pixels `wave` (P,), Å, vacuum, at rest.

    `medium` and `velocity` override what the file says; `velocity` is a number or {star_id: number}, km/s, or a str
    where the file has been asked for it.

    Raises:
        InputError: air or vacuum is not known; wavelengths are not monotonic, or share nothing with `wave`; a star has
            no entry in `velocity`.
    """
    speed = _velocities(raw, source, velocity)
    known = np.abs(speed) < LIGHT
    beta = np.where(known, speed, 0) / LIGHT
    factor = np.sqrt((1 + beta) / (1 - beta))
    raw_wave, flux, error, bad = _in_range(*_increasing(raw, source, medium or raw.medium), wave, factor, source)
    negative = ~bad & (error < 0)
    bad = bad | ~np.isfinite(flux) | ~np.isfinite(error) | (error <= 0)

    if raw.per_frequency:  # f_λ ∝ f_ν / λ²; the scale is free
        per_wavelength = np.square(np.median(raw_wave) / raw_wave).astype(np.float32)
        flux, error = flux * per_wavelength, error * per_wavelength
    start = _same_pixels(raw_wave, wave) if (factor == 1).all() else None
    if start is None:
        flux, error, filled = resample(flux, error, bad, raw_wave, wave, factor)
    else:
        pixels = slice(start, start + len(wave))
        flux, error, filled = flux[:, pixels].copy(), error[:, pixels].copy(), bad[:, pixels]
    fill(flux, error, filled)
    median = row_median(flux)

    measured = 1 - filled.mean(axis=1)
    problem = np.full(len(flux), "", dtype=object)
    for rows, why in (
        (~known, lambda row: f"velocity {speed[row]} km/s is not a number below the speed of light"),
        (negative.any(axis=1), lambda row: f"{negative[row].sum()} errors are negative"),
        (bad.all(axis=1), lambda row: "no pixel with a finite flux and a positive error that is not masked"),
        (measured < ENOUGH, lambda row: f"{measured[row]:.0%} of the model's pixels are measured; {ENOUGH:.0%} needed"),
        (~(median > 0), lambda row: "median flux is not positive"),
    ):
        for row in np.flatnonzero(rows & (problem == "")):
            problem[row] = why(row)
    median[problem != ""] = np.nan
    flux /= median[:, None]
    error /= median[:, None]
    return Prepared(source, raw.star_id, flux, error, filled, np.full(len(flux), np.nan), problem.astype(str))


def _velocities(raw, source, velocity):
    if isinstance(velocity, str):
        return raw.velocity
    if velocity is None:
        return np.where(np.isnan(raw.velocity), 0, raw.velocity)
    if isinstance(velocity, Mapping):
        missing = [star for star in raw.star_id if star not in velocity]
        if missing:
            raise InputError(f"{source}: no velocity is given for {missing[0]}; add it, or 0")
        return np.array([velocity[star] for star in raw.star_id], dtype=float)
    return np.full(len(raw.star_id), velocity, dtype=float)


def _increasing(raw, source, medium):
    """Vacuum wavelengths, flux, error and mask; reversed where the file has the pixels in decreasing order."""
    wave = np.atleast_2d(raw.wave)
    step = np.diff(wave, axis=1)
    if not step.size:
        raise InputError(f"{source}: has spectra of {wave.shape[1]} pixels; at least two are needed")
    decreasing = (step[:, 0] < 0).all()
    wrong = ~(step < 0) if decreasing else ~(step > 0)
    if wrong.any():
        row, pixel = np.argwhere(wrong)[0]
        raise InputError(
            f"{source}: wavelengths of {raw.star_id[row]} must increase or decrease from pixel to pixel; pixel {pixel} "
            f"has {wave[row, pixel]:.3f} Å and the next {wave[row, pixel + 1]:.3f} Å"
        )
    if medium not in ("air", "vacuum"):
        raise InputError(f"{source}: does not say whether its wavelengths are in air or vacuum; state which medium")
    order = -1 if decreasing else 1
    vacuum = air_to_vacuum(raw.wave) if medium == "air" else raw.wave
    return vacuum[..., ::order], raw.flux[:, ::order], raw.error[:, ::order], raw.bad[:, ::order]


def _in_range(raw_wave, flux, error, bad, wave, factor, source):
    """The pixels that `wave` times `factor` needs, and two more on either side."""
    low, high = wave[0] * factor.min(), wave[-1] * factor.max()
    below = (np.atleast_2d(raw_wave) < low).sum(axis=1).min()
    above = (np.atleast_2d(raw_wave) > high).sum(axis=1).min()
    n = raw_wave.shape[-1]
    if n in (below, above):
        raise InputError(
            f"{source}: covers {raw_wave.min():.1f}-{raw_wave.max():.1f} Å, the model {wave[0]:.1f}-{wave[-1]:.1f} Å; "
            "check the unit of the wavelengths, or take a model for them"
        )
    pixels = slice(max(below - 2, 0), n - max(above - 2, 0))
    return raw_wave[..., pixels], flux[:, pixels], error[:, pixels], bad[:, pixels]


def _same_pixels(raw_wave, wave):
    """Index of the pixel of `raw_wave` at which `wave` begins, None where `wave` is no part of it."""
    if raw_wave.ndim == 2:
        return None
    start = int(np.argmin(np.abs(raw_wave - wave[0])))
    part = raw_wave[start : start + len(wave)]
    if len(part) < len(wave) or (np.abs(part - wave) > SAME_PIXELS * np.gradient(wave)).any():
        return None
    return start
