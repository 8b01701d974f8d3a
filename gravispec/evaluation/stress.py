"""How log g by the models of a run changes when spectra differ from training spectra, on the same stars and noise."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks
from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import interval
from gravispec.evaluation.cells import r2_rows
from gravispec.evaluation.residuals import resampled_spread, scatter
from gravispec.models.flags import BITS, OF_SPECTRUM
from gravispec.spectra import stress
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.observation import observe

BLOCK = 512  # stars; splines and Fourier transforms are in float64
COLUMNS = ["log_g", "log_g_lo95", "log_g_hi95", "snr", "flags"]
STATISTICS = ("bias", "scatter", "r2", "coverage95")
R_LOW = 2000


def _of_low_resolution(flux, wave, fwhm):
    return stress.resolved(flux, wave, fwhm, R_LOW * (fwhm or np.nan) / np.median(wave))


#: what each stress is, and its function of clean flux (m, P), wavelengths (P,) and FWHM of the line spread function
STRESSES = {
    "none": ("the test spectra as they are", None),
    "velocity_plus_10": ("radial velocity wrong by +10 km/s", lambda f, wave, fwhm: stress.shifted(f, wave, 10)),
    "velocity_minus_10": ("radial velocity wrong by -10 km/s", lambda f, wave, fwhm: stress.shifted(f, wave, -10)),
    "vsini_10": ("rotation, v sin i = 10 km/s", lambda f, wave, fwhm: stress.rotated(f, wave, 10)),
    "resolution_plus_10": ("resolution 10 % higher", lambda f, wave, fwhm: stress.resolved(f, wave, fwhm, 1.1)),
    "resolution_minus_10": ("resolution 10 % lower", lambda f, wave, fwhm: stress.resolved(f, wave, fwhm, 0.9)),
    "resolution_2000": (f"resolution R = {R_LOW}", _of_low_resolution),
    "vsini_30": ("rotation, v sin i = 30 km/s", lambda f, wave, fwhm: stress.rotated(f, wave, 30)),
    "vsini_100": ("rotation, v sin i = 100 km/s", lambda f, wave, fwhm: stress.rotated(f, wave, 100)),
    "ca_filled_10": (
        "cores of Ca II filled in by 10 %",
        lambda f, wave, fwhm: stress.filled(f, stress.core_pixels(wave), 0.1),
    ),
    "constant_0p2": ("a constant of 0.2 of the median flux added", lambda f, wave, fwhm: f + 0.2),
    "reddening_0p1": ("E(B-V) = 0.1 mag, R_V = 3.1", lambda f, wave, fwhm: stress.reddened(f, wave, 0.1)),
    "reddening_0p3": ("E(B-V) = 0.3 mag, R_V = 3.1", lambda f, wave, fwhm: stress.reddened(f, wave, 0.3)),
    "slope_5": ("flux slope of 5 % over the spectrum", lambda f, wave, fwhm: stress.tilted(f, wave, 0.05)),
    "slope_10": ("flux slope of 10 % over the spectrum", lambda f, wave, fwhm: stress.tilted(f, wave, 0.1)),
    "sky_residuals_5": ("5 % (1 sigma) of the sky left in sky lines", None),
}
SKY_RESIDUALS = 0.05


def perturbed(name, flux, error, rows, *, wave, fwhm, seed):
    """Clean flux (m, P) float32 under one of `STRESSES`; ``rows`` (m,) of the test split.

    It is normalised by its median again: a star has the S/N of its magnitude under every stress. ``fwhm``, Å, or None.
    """
    if name == "none":
        return flux
    if name == "sky_residuals_5":
        return stress.with_sky(flux, wave, error, SKY_RESIDUALS, seed=seed, rows=rows).astype(np.float32)
    return median_normalised(STRESSES[name][1](flux, wave, fwhm)).astype(np.float32)


def predicted(level, name, clean, error, rows, *, fwhm, median, seed):
    """``{model: log_g, its 95 % interval and flags}`` of the test stars under one stress, by a ``trained.Level``.

    ``clean`` and ``error`` are readers, ``rows`` the slice of them with the test stars. Noise and normalisation are
    those of all noisy spectra. Raises ``InputError`` where the stress cannot be put on these spectra.
    """
    parts, about = {}, level.about
    wave = level.fits.wave
    for lo, hi in blocks(rows.start, rows.stop, BLOCK):
        of_split, errors = np.arange(lo, hi) - rows.start, error[lo:hi]
        flux = perturbed(name, clean[lo:hi], errors, of_split, wave=wave, fwhm=fwhm, seed=seed)
        noise = {"level": about["noise_level"], "seed": seed, "split": "test", "rows": of_split}
        flux, scale = observe(flux, errors, **noise, wave=wave, median=median, continuum=0)  # that is of the level
        for model, table in level.tables(flux, errors * scale, about["shown"]).items():
            parts.setdefault(model, []).append(table[COLUMNS])
    return {model: pd.concat(tables, ignore_index=True) for model, tables in parts.items()}


def under_stress(level, clean, error, rows, **spectra):
    """``{stress: {model: table}}``; instead of the tables the reason, a string, where there are none."""
    found = {}
    for name in STRESSES:
        try:
            found[name] = predicted(level, name, clean, error, rows, **spectra)
        except InputError as reason:
            found[name] = str(reason)
    return found


def statistics(log_g, given, inside):
    """(4, M) `STATISTICS` of log_g (N,), predicted and ``inside`` (M, N)."""
    delta = given - log_g
    return np.stack([np.median(delta, axis=-1), scatter(delta), r2_rows(log_g, given), inside.mean(axis=-1)])


def resampled_statistics(log_g, given, inside, *, resamples, seed):
    """The same on resamples of the stars, (4, M, resamples); every column has the same resamples."""
    n, rng = len(log_g), np.random.default_rng(seed)
    delta = (given - log_g).T
    spread = resampled_spread(delta, resamples, seed)
    times = np.empty((resamples, n), np.float32)  # that each star is in each resample
    for row in times:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    squares, covered = (times @ values.astype(np.float32) for values in (delta**2, inside.T))  # (resamples, M)
    mean = times @ log_g / n
    total = times @ log_g**2 - n * mean**2
    return np.stack([*spread, (1 - squares / total[:, None]).T, covered.T / n])


def shares(flags, inside):
    """Shares of stars with a flag and with each; coverage of those with none. ``flags``, ``inside`` (N,)."""
    unflagged = inside[flags == 0]
    found = {"flagged": np.mean(flags > 0)} | {name.lower(): np.mean(flags & BITS[name] > 0) for name in OF_SPECTRUM}
    return found | {"coverage95_unflagged": unflagged.mean() if unflagged.size else np.nan}


def stress_table(log_g, found, *, resamples, confidence, seed):
    """A row a model and stress: bias (median of predicted - true) and scatter (σ_MAD), dex, R², coverage of 95 %.

    Each has its change against stress ``none`` with a paired bootstrap interval over the stars. flagged: share of stars
    with any flag of `OF_SPECTRUM`, and that of each flag; coverage95_unflagged: of the 95 % interval for the others.
    ``found``: from `under_stress`; not_done: the reason where there is nothing.
    """
    log_g = np.asarray(log_g, float)
    done = {name: tables for name, tables in found.items() if not isinstance(tables, str)}
    without = list(done).index("none")
    table = []
    for model in done["none"]:
        mine = [tables[model] for tables in done.values()]
        given = np.stack([one["log_g"] for one in mine])
        inside = np.stack([(one["log_g_lo95"] <= log_g) & (log_g <= one["log_g_hi95"]) for one in mine])
        values = statistics(log_g, given, inside)
        drawn = resampled_statistics(log_g, given, inside, resamples=resamples, seed=seed)
        low, high = interval(drawn - drawn[:, [without]], confidence)
        for name, (what, _) in STRESSES.items():
            row = {"model": model, "stress": name, "what": what, "n_test": len(log_g)}
            if name in done:
                i = list(done).index(name)
                for s, statistic in enumerate(STATISTICS):
                    row |= {statistic: values[s, i], f"{statistic}_change": values[s, i] - values[s, without]}
                    row |= {f"{statistic}_ci_low": low[s, i], f"{statistic}_ci_high": high[s, i]}
                row |= shares(mine[i]["flags"].to_numpy(), inside[i])
            table.append(row | {"not_done": found[name] if name not in done else ""})
    return pd.DataFrame(table)
