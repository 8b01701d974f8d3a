"""Observed spectra on the model's pixels, normalised as in training."""

from dataclasses import dataclass

import numpy as np
from scipy.constants import c

from gravispec.errors import InputError
from gravispec.observed.axis import axis_problems, increasing, needed, outside
from gravispec.observed.raw import Raw, raw_rows
from gravispec.observed.resample import resample
from gravispec.spectra.neighbours import fill
from gravispec.spectra.normalise import row_median

LIGHT = c / 1e3  # km/s
SAME_PIXELS = 2e-3  # pixels; wavelengths that agree to this are the same. Rounding to float32 is 1.2e-3 at 8800 Å
#: a spectrum needs measurements in this fraction of the model's pixels, by models that know of gaps and by others
FEW, ENOUGH = 0.15, 0.8


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


def prepare(raw: Raw, source: str, wave: np.ndarray, *, medium: str | None, velocity, least: float) -> Prepared:
    """`raw` on the pixels `wave` (P,), Å, vacuum, at rest.

    `medium` and `velocity` override what the file says; `velocity` is a number, km/s, or a str
    where the file has been asked for it.

    A row whose own wavelengths cannot be used has a `problem`, as every other bad row; so has one that measures less
    than the fraction `least` of the pixels.

    Raises:
        InputError: air or vacuum is not known; wavelengths that the file has for all are not monotonic, or share
            nothing with `wave`.
    """
    medium = medium or raw.medium
    if medium not in ("air", "vacuum"):
        said = "does not say" if medium is None else f"has the medium {medium!r}, which does not say"
        raise InputError(
            f"{source}: {said} whether its wavelengths are in air or vacuum; state which medium: --medium air or "
            "vacuum, or in the file (FITS: the keyword AIRORVAC, HDF5: the attribute medium of the wavelengths)"
        )
    problem = axis_problems(raw)
    good = np.flatnonzero(problem == "")
    if raw.shared and not len(good):
        raise InputError(f"{source}: {problem[0]}")
    speed = _velocities(raw, source, velocity)
    if len(good) == len(problem):
        return _prepared(raw, source, wave, medium, speed, least)
    part = _prepared(raw_rows(raw, good), source, wave, medium, speed[good], least) if len(good) else None
    return _among_bad(part, good, source, raw.star_id, problem, len(wave))


def _among_bad(part, good, source, star_id, problem, n_pixels):
    """The spectra `part` as the rows `good` of a batch; nothing is measured in the others."""
    shape = len(star_id), n_pixels
    flux, error, filled = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32), np.ones(shape, bool)
    if part:
        flux[good], error[good], filled[good], problem[good] = part.flux, part.error, part.filled, part.problem
    return Prepared(source, star_id, flux, error, filled, np.full(len(star_id), np.nan), problem.astype(str))


def _prepared(raw, source, wave, medium, speed, least):
    """`prepare` for rows whose wavelengths increase or decrease."""
    known = np.abs(speed) < LIGHT
    beta = np.where(known, speed, 0) / LIGHT
    factor = np.sqrt((1 + beta) / (1 - beta))
    raw_wave, flux, error, bad = increasing(raw, medium)
    range_problem = outside(raw_wave, wave, factor)
    if raw.shared and (range_problem != "").all():
        raise InputError(f"{source}: {range_problem[0]}")
    raw_wave, flux, error, bad = needed(raw_wave, flux, error, bad, wave, factor)
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
        (range_problem != "", lambda row: range_problem[row]),
        (~known, lambda row: f"velocity {speed[row]} km/s is not a number below the speed of light"),
        (negative.any(axis=1), lambda row: f"{negative[row].sum()} errors are negative"),
        (bad.all(axis=1), lambda row: "no pixel with a finite flux and a positive error that is not masked"),
        (measured < least, lambda row: f"{measured[row]:.0%} of the model's pixels are measured; {least:.0%} needed"),
        (~(median > 0), lambda row: "median flux is not positive"),
    ):
        for row in np.flatnonzero(rows & (problem == "")):
            problem[row] = why(row)
    median[problem != ""] = np.nan
    flux /= median[:, None]
    error /= median[:, None]
    return Prepared(source, raw.star_id, flux, error, filled, np.full(len(flux), np.nan), problem.astype(str))


def _velocities(raw, source, velocity):
    if velocity is None or isinstance(velocity, str):
        return raw.velocity
    return np.full(len(raw.star_id), velocity, dtype=float)


def _same_pixels(raw_wave, wave):
    """Index of the pixel of `raw_wave` at which `wave` begins, None where `wave` is no part of it."""
    if raw_wave.ndim == 2:
        return None
    start = int(np.argmin(np.abs(raw_wave - wave[0])))
    part = raw_wave[start : start + len(wave)]
    if len(part) < len(wave) or (np.abs(part - wave) > SAME_PIXELS * np.gradient(wave)).any():
        return None
    return start
