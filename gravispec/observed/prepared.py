"""Observed spectra on the model's pixels, normalised as in training."""

from dataclasses import dataclass

import numpy as np

from gravispec.errors import InputError
from gravispec.observed.axis import axis_problems, increasing, needed, outside
from gravispec.observed.degrade import degraded, kernel_sigma
from gravispec.observed.raw import Raw, raw_rows
from gravispec.observed.reading import FIT, LIGHT, LIMIT, Reading
from gravispec.observed.resample import resample
from gravispec.spectra.neighbours import fill
from gravispec.spectra.normalise import row_median
from gravispec.spectra.nuisances import within

SAME_PIXELS = 2e-3  # pixels; wavelengths that agree to this are the same. Rounding to float32 is 1.2e-3 at 8800 Å


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
    velocity: np.ndarray  # (n,) km/s, that was taken out
    velocity_error: np.ndarray  # (n,) km/s, 1σ, of one that was measured; else NaN
    lost: np.ndarray  # (n,) bool: the velocity was looked for, and not found
    fwhm: np.ndarray  # (n,) Å, of the lines before they were made as wide as the model's, NaN where not known
    has_width: bool  # the width of lines was given, or should have been


def prepare(raw: Raw, source: str, wave: np.ndarray, reading: Reading) -> Prepared:
    """`raw` on the pixels `wave` (P,), Å, vacuum, at rest; lines that are sharper than the model's are made as wide.

    A row whose own wavelengths cannot be used has a `problem`, as every other bad row; so has one that measures less
    than the fraction `reading.least` of the pixels.

    Raises:
        InputError: air or vacuum is not known; wavelengths that the file has for all are not monotonic, or share
            nothing with `wave`.
    """
    medium = reading.medium or raw.medium
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
    if len(good) == len(problem):
        return _prepared(raw, source, wave, medium, reading)
    part = _prepared(raw_rows(raw, good), source, wave, medium, reading) if len(good) else None
    return _among_bad(part, good, source, raw.star_id, problem, len(wave), reading.has_width)


def _among_bad(part, good, source, star_id, problem, n_pixels, has_width):
    """The spectra `part` as the rows `good` of a batch; nothing is measured in the others."""
    shape = len(star_id), n_pixels
    flux, error, filled = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32), np.ones(shape, bool)
    nothing = np.full(len(star_id), np.nan)
    about = {name: nothing.copy() for name in ("velocity", "velocity_error", "fwhm")}
    about["lost"] = np.zeros(len(star_id), bool)
    if part:
        flux[good], error[good], filled[good], problem[good] = part.flux, part.error, part.filled, part.problem
        for name, values in about.items():
            values[good] = getattr(part, name)
    about["has_width"] = has_width
    return Prepared(source, star_id, flux, error, filled, nothing, problem.astype(str), **about)


def _prepared(raw, source, wave, medium, reading):
    """`prepare` for rows whose wavelengths increase or decrease."""
    speed, to_find = _velocities(raw, reading)
    known, factor = np.abs(speed) < LIGHT, doppler(speed)
    raw_wave, flux, error, bad = increasing(raw, medium)
    range_problem = outside(raw_wave, wave, factor)
    if raw.shared and (range_problem != "").all():
        raise InputError(f"{source}: {range_problem[0]}")
    reach = np.outer(factor, doppler(np.array([-LIMIT, LIMIT])) if to_find.any() else 1.0)
    margin = 2 * reading.model_fwhm if reading.has_width else 0
    raw_wave, flux, error, bad = needed(raw_wave, flux, error, bad, wave, reach, margin)
    if raw.per_frequency:  # f_λ ∝ f_ν / λ²; the scale is free
        per_wavelength = np.square(np.median(raw_wave) / raw_wave).astype(np.float32)
        flux, error = flux * per_wavelength, error * per_wavelength
    if not raw.has_error:
        error = _assumed(flux, bad, reading.relative_errors(raw.snr))
    negative = ~bad & (error < 0)
    bad = bad | ~np.isfinite(flux) | ~np.isfinite(error) | (error <= 0)
    unmasked = ~bad.all(axis=1)
    for low, high in reading.windows:
        bad = bad | within(raw_wave, low, high)
    flux, error, bad, fwhm, sharper = _widened(flux, error, bad, raw_wave, raw.width, reading)
    velocity_error, lost = np.full(len(flux), np.nan), np.zeros(len(flux), bool)
    if rows := list(np.flatnonzero(to_find & unmasked & (range_problem == ""))):
        own = raw_wave if raw_wave.ndim == 1 else raw_wave[rows]
        speed[rows], velocity_error[rows] = reading.finder(own, flux[rows], error[rows], bad[rows])
        lost[rows], factor = np.isnan(velocity_error[rows]), doppler(speed)

    start = _same_pixels(raw_wave, wave) if (factor == 1).all() else None
    if start is None:
        flux, error, filled = resample(flux, error, bad, raw_wave, wave, factor, effective=sharper)
    else:
        pixels = slice(start, start + len(wave))
        flux, error, filled = flux[:, pixels].copy(), error[:, pixels].copy(), bad[:, pixels]
    fill(flux, error, filled)
    median = row_median(flux)

    measured, least = 1 - filled.mean(axis=1), reading.least
    needs = f"{least:.0%} needed{' outside the windows of sky' * bool(reading.windows)}"
    problem = np.full(len(flux), "", dtype=object)
    for rows, why in (
        (range_problem != "", lambda row: range_problem[row]),
        (~known, lambda row: f"velocity {speed[row]} km/s is not a number below the speed of light"),
        (negative.any(axis=1), lambda row: f"{negative[row].sum()} errors are negative"),
        (~unmasked & ~raw.has_error & ~(raw.snr > 0), lambda row: f"S/N {raw.snr[row]} is not above 0"),
        (~unmasked, lambda row: "no pixel with a finite flux and a positive error that is not masked"),
        (
            measured < least,
            lambda row: f"{measured[row]:.0%} of the model's pixels are measured; {needs}",
        ),
        (~(median > 0), lambda row: "median flux is not positive"),
    ):
        for row in np.flatnonzero(rows & (problem == "")):
            problem[row] = why(row)
    median[problem != ""] = np.nan
    flux /= median[:, None]
    error /= median[:, None]
    offset = np.full(len(flux), np.nan)
    about = {"velocity": speed, "velocity_error": velocity_error, "lost": lost, "fwhm": fwhm}
    about["has_width"] = reading.has_width
    return Prepared(source, raw.star_id, flux, error, filled, offset, problem.astype(str), **about)


def _widened(flux, error, bad, wave, width, reading):
    """Flux, error, bad of lines that are no sharper than the model's; fwhm (n,), Å, before; whether any were."""
    if not reading.has_width:
        return flux, error, bad, np.full(len(flux), np.nan), False
    fwhm = reading.fwhms(width, wave)
    sigma = kernel_sigma(wave, fwhm, reading.model_fwhm)
    if sigma.any():
        flux, error, bad = degraded(flux, error, bad, wave, sigma)
    return flux, error, bad, np.median(fwhm, axis=1), sigma.any()


def doppler(velocity: np.ndarray) -> np.ndarray:
    """Received over emitted wavelength at a velocity, km/s; 1 where it is not known."""
    beta = np.where(np.abs(velocity) < LIGHT, velocity, 0) / LIGHT
    return np.sqrt((1 + beta) / (1 - beta))


def _velocities(raw, reading):
    """km/s (n,), and which of them have to be measured."""
    n = len(raw.star_id)
    if reading.velocity == FIT or (reading.velocity is None and reading.finder and not raw.has_velocity):
        return np.zeros(n), np.ones(n, bool)
    if reading.velocity is None or isinstance(reading.velocity, str):
        to_find = np.isnan(raw.velocity) & (reading.finder is not None)
        return np.where(to_find, 0, raw.velocity), to_find
    return np.full(n, reading.velocity, dtype=float), np.zeros(n, bool)


def _assumed(flux, bad, share):
    """Errors (n, Q) that are the `share` (n,) of the median flux; 0 where it is NaN."""
    there = ~bad & np.isfinite(flux)
    level = [np.abs(np.median(row[good])) if good.any() else 0 for row, good in zip(flux, there, strict=True)]
    error = np.nan_to_num(np.array(level) * share).astype(np.float32)
    return np.broadcast_to(error[:, None], flux.shape)


def _same_pixels(raw_wave, wave):
    """Index of the pixel of `raw_wave` at which `wave` begins, None where `wave` is no part of it."""
    if raw_wave.ndim == 2:
        return None
    start = int(np.argmin(np.abs(raw_wave - wave[0])))
    part = raw_wave[start : start + len(wave)]
    if len(part) < len(wave) or (np.abs(part - wave) > SAME_PIXELS * np.gradient(wave)).any():
        return None
    return start
