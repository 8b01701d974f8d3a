"""Per-pixel error arrays of simulated observations, from electron counts of the PFS medium-resolution red arm.

A star gives S electrons in a pixel whose variance without the star is B: error / flux = √(S + B) / S.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.device import host, like, namespace, on_device
from gravispec.errors import InputError
from gravispec.spectra.instrument import pixel_edges
from gravispec.spectra.normalise import row_median

NOISE_CSV = Path(__file__).with_name("pfs_mr_noise.csv")
HSC_I = (6950.0, 8500.0)  # Å, half-power edges of the HSC i band, taken as a top hat

# Conditions of the table, and the magnitude (AB, flat f_ν) of its source.
MAG, SEEING, ZENITH_ANGLE, FIELD_ANGLE = 21.5, 1.0, 22.5, 0.325

# Two published sets of S/N disagree: the medians by magnitude ask for a signal scale of 1.04, the training sets' median
# (8.2 for mag 20.5-22.5) for 1.3. This one lies half-way in S/N. Half of the calculator's seeing dependence gives the
# training sets' spread.
SIGNAL_SCALE = 1.12
SEEING_EXPONENT = 0.5


@cache
def _cumulative_electrons() -> tuple[np.ndarray, np.ndarray]:
    """Pixel edges (n + 1,) of the table, one pixel added at both ends, and electrons below each edge (2, n + 1)."""
    table = pd.read_csv(NOISE_CSV, comment="#")
    wave = table["wave"].to_numpy()
    wave = np.concatenate([[2 * wave[0] - wave[1]], wave, [2 * wave[-1] - wave[-2]]])
    electrons = np.pad(table[["signal_e", "background_e"]].to_numpy(dtype=np.float64).T, ((0, 0), (1, 1)), mode="edge")
    return pixel_edges(wave), np.pad(np.cumsum(electrons, axis=1), ((0, 0), (1, 0)))


def reference_electrons(wave: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signal and background electrons (P,) in pixels centred on `wave` (P,), Å, vacuum, at the table's conditions.

    The counts of the table are integrated over each pixel, so that they scale with its width. Read noise and dark
    current are part of the background and scale too: exact for the instrument's own pixels of 0.427 Å.

    Raises:
        InputError: `wave` does not increase, or leaves the range of the table.
    """
    wave = np.asarray(wave, dtype=np.float64)
    if wave.ndim != 1 or len(wave) < 2 or not (np.diff(wave) > 0).all():
        raise InputError("wave: needs two or more increasing wavelengths")
    edges, (signal, background) = _cumulative_electrons()
    pixels = pixel_edges(wave)
    if pixels[0] < edges[0] or pixels[-1] > edges[-1]:
        raise InputError(
            f"wave: {wave[0]:.1f}-{wave[-1]:.1f} Å leaves the noise table, {edges[0]:.1f}-{edges[-1]:.1f} Å; "
            "use pixels inside it"
        )
    return np.diff(np.interp(pixels, edges, signal)), np.diff(np.interp(pixels, edges, background))


def signal_factor(stars: pd.DataFrame, *, seeing_exponent: float = SEEING_EXPONENT) -> np.ndarray:
    """Factor (n,) on the signal of the table, from columns mag, seeing ("), zenith_angle and field_angle (degree).

    * mag: 10^(−0.4 (mag − 21.5)).
    * seeing s: the exposure-time calculator's fibre losses are exp(−1.252 (s − 1) + 0.099 (s − 1)²), to 1 % over
      0.5–1.5″; the published data sets vary less, so this is raised to `seeing_exponent`.
    * zenith angle: 0.337 mag per unit of air mass sec z (extinction and broader images together).
    * field angle θ: exp(−0.362 (θ − 0.325) − 0.324 (θ² − 0.325²)), vignetting and fibre losses.

    The last two reproduce the calculator's S/N at 0, 22.5 and 45°, and at 0, 0.325 and 0.65°, to 1 %.
    """
    columns = ("mag", "seeing", "zenith_angle", "field_angle")
    mag, seeing, zenith, field = (stars[name].to_numpy(dtype=np.float64) for name in columns)
    seeing_losses = -1.252 * (seeing - SEEING) + 0.099 * (seeing - SEEING) ** 2
    air_mass = 1 / np.cos(np.radians(zenith)) - 1 / np.cos(np.radians(ZENITH_ANGLE))
    field_losses = -0.362 * (field - FIELD_ANGLE) - 0.324 * (field**2 - FIELD_ANGLE**2)
    magnitudes = (mag - MAG) + 0.337 * air_mass
    return 10 ** (-0.4 * magnitudes) * np.exp(seeing_exponent * seeing_losses + field_losses)


def band_wavelength(wave: np.ndarray) -> float:
    """Photon-weighted mean wavelength, Å, of the pixels in the HSC i band: a straight f_ν(λ) has its band mean here.

    Raises:
        InputError: no pixel lies in the band.
    """
    inside = wave[(wave >= HSC_I[0]) & (wave <= HSC_I[1])]
    if not len(inside):
        raise InputError(f"wave: no pixel in the HSC i band, {HSC_I[0]:.0f}-{HSC_I[1]:.0f} Å, where mag is defined")
    return float(np.average(inside, weights=1 / inside))


def spectral_slope(wave: np.ndarray, flux: np.ndarray, *, centre: float) -> np.ndarray:
    """Slope (n,), Å⁻¹, of the line f_ν ∝ 1 + slope · (λ − centre) fitted to `flux` (n, P, per Å) by least squares.

    `flux` may be a tensor; the slopes are NumPy's.
    """
    offset = wave - centre
    to_line = np.linalg.pinv(np.stack([np.ones_like(offset), offset], axis=1)) * wave**2  # f_ν ∝ λ² f_λ
    to_line = to_line.T.astype(host(flux[:0]).dtype)
    level, slope = host(flux @ like(to_line, flux)).T
    return slope / level


def error_parameters(wave: np.ndarray, flux: np.ndarray, stars: pd.DataFrame) -> np.ndarray:
    """The two numbers of a star that its errors follow from, (n, 2) float64: factor on the table's signal, and slope.

    S follows the straight line in f_ν(λ) that fits the star's flux, scaled to `mag` in the part of the HSC i band that
    the pixels cover; the slope is that of the line, Å⁻¹.
    A line and not the flux, because counts without noise would carry the star's lines into the error: smoothed over
    50 Å they still give log_g away (R² 0.997 of a Ridge on the error array, mag and S/N; 0.007 with the line, which
    keeps one number of a spectrum, its colour).

    Args:
        wave: (P,) Å, vacuum.
        flux: (n, P) clean flux, normalised by its median; may be a tensor.
        stars: n rows with columns mag, seeing, zenith_angle, field_angle.

    Raises:
        InputError: shapes that differ, pixels outside the noise table, a spectrum too steep for a positive line.
    """
    if flux.shape != (len(stars), len(wave)):
        raise InputError(f"flux {flux.shape} must have a row for each of {len(stars)} stars, {len(wave)} pixels each")
    centre = band_wavelength(wave)
    slope = spectral_slope(wave, flux, centre=centre)
    at_ends = 1 + slope[:, None] * (wave[[0, -1]] - centre)
    if not (at_ends > 0).all():
        row = int(np.argmin((at_ends > 0).all(axis=1)))
        raise InputError(f"flux: row {row} is too steep for the error model (its line in f_ν falls to 0); check it")
    return np.stack([SIGNAL_SCALE * signal_factor(stars), slope], axis=1)


def error_of(wave: np.ndarray, parameters: np.ndarray, *, device: str | None = None) -> np.ndarray:
    """1σ error (n, P) float32 of every pixel at noise level 1, in the unit of the flux, from `error_parameters` (n, 2).

    It is in units of the star's line at the middle pixel, where the normalised flux is close to 1; a tensor where a
    `device` is given.
    """
    _, noise = _electrons(wave, parameters, device)
    (factor, slope), middle = parameters.T, wave[len(wave) // 2]
    noise *= like(((middle / wave) ** 2 / reference_electrons(wave)[0]).astype(np.float32), noise)
    noise *= like((1 / (factor * (1 + slope * (middle - band_wavelength(wave))))).astype(np.float32)[:, None], noise)
    return noise


def variance_components(wave: np.ndarray) -> np.ndarray:
    """The three spectra (3, P), none negative, that the square of every `error_of` is a sum of.

    S is a line in λ times the star's factor, so σ² = (S + B) / S² in the unit of `error_of` has one term for the line's
    value at either end of the pixels, and one for the background. Noise of that variance is a sum of three noises, each
    of one spectrum of variances, whatever the star.
    """
    wave = np.asarray(wave, dtype=np.float64)
    signal, background = reference_electrons(wave)
    unit = (wave[len(wave) // 2] / wave) ** 2 / signal
    share = (wave - wave[0]) / (wave[-1] - wave[0])
    return np.stack([unit**2 * signal * (1 - share), unit**2 * signal * share, unit**2 * background])


def variance_factors(wave: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Factors (n, 3) of `variance_components`: `error_of` of the stars with these `parameters` (n, 2), squared."""
    (factor, slope), centre = np.asarray(parameters, dtype=np.float64).T, band_wavelength(wave)
    at_ends = 1 + slope[:, None] * (wave[[0, -1]] - centre)
    middle = 1 + slope * (wave[len(wave) // 2] - centre)
    return np.column_stack([at_ends * factor[:, None], np.ones_like(factor)]) / ((factor * middle) ** 2)[:, None]


def snr_of(wave: np.ndarray, parameters: np.ndarray, *, device: str | None = None) -> np.ndarray:
    """S/N (n,) float32 of every star, the median over the pixels of S / √(S + B), from `error_parameters` (n, 2)."""
    electrons, noise = _electrons(wave, parameters, device)
    electrons /= noise
    return host(row_median(electrons))


def error_arrays(wave: np.ndarray, flux: np.ndarray, stars: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """`error_of` and `snr_of` the stars; arguments and errors as in `error_parameters`."""
    parameters = error_parameters(wave, flux, stars)
    return error_of(wave, parameters), snr_of(wave, parameters)


def _electrons(wave: np.ndarray, parameters: np.ndarray, device: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """S and √(S + B), (n, P) float32."""
    signal, background = reference_electrons(wave)
    factor, slope = parameters.T
    line = on_device(np.stack([factor, factor * slope], axis=1).astype(np.float32), device)  # (n, 2)
    per_line = (signal * np.stack([np.ones_like(wave), wave - band_wavelength(wave)])).astype(np.float32)
    electrons = line @ like(per_line, line)
    return electrons, namespace(electrons).sqrt(electrons + like(background.astype(np.float32), electrons))
