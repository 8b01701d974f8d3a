"""A spectrum from labels: model atmosphere, opacities of continuum, hydrogen, atoms and molecules, formal solution."""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain

import numpy as np
import pandas as pd

from gravispec.device import host, on_device
from gravispec.errors import InputError
from gravispec.spectra.lte.atmosphere import REFERENCE_WAVE, depth_scale, model_atmosphere
from gravispec.spectra.lte.bands import band_terms, peak_opacity
from gravispec.spectra.lte.chemistry import equilibrium
from gravispec.spectra.lte.eos import Gas
from gravispec.spectra.lte.hydrogen_lines import line_grid, paschen_lines
from gravispec.spectra.lte.lines import CUTOFF, LineProfiles, half_windows, line_opacity, line_profiles, load_lines
from gravispec.spectra.lte.opacity import continuous_opacity
from gravispec.spectra.lte.transfer import emergent_flux, optical_depth, planck

VALIDITY = {
    "T_eff": (3500.0, 6500.0),  # K; in hotter stars hydrogen leaves LTE, cooler ones need VO, FeH and H2O
    "log_g": (0.5, 5.5),
    "M_H": (-3.0, 1.0),
    "a_M": (-1.0, 1.0),
    "C_M": (-1.0, 1.0),
    "N_M": (-1.0, 1.0),
    "v_micro": (0.0, 10.0),  # km/s
}
WAVE_RANGE = (7080.0, 8875.0)  # Angstrom, vacuum: what the line list covers
COARSE_STEP = 10.0  # Angstrom: continuous opacity and Planck function are linear in between
BANDS = ("TiO", "CN")  # molecules whose bands are included
PASCHEN_CUTOFF = 1e-5  # of the continuum: Paschen lines below are left out
DEEPEST = 15.0  # optical depth of the continuum below which nothing is seen
CHUNK = 704  # wavelengths at a time with NumPy, so that the work stays in the processor's cache; else all at once


@dataclass(frozen=True)
class Model:
    """An atmosphere and its smooth spectrum: what is cheap, and made with NumPy wherever the spectrum is."""

    gas: Gas
    molecules: dict[str, np.ndarray]  # density, (n_depth,) cm-3, of the molecules whose bands are seen
    v_micro: float  # km/s
    to_depth: np.ndarray  # (n_depth, n_depth) from opacity, cm-1, to optical depth
    tau: np.ndarray  # (n_depth, n_smooth) optical depth of the continuum and the Paschen lines, at `smooth_grid`
    source: np.ndarray  # (n_depth, n_smooth) Planck function
    continuum: np.ndarray  # (n_coarse,) flux
    profiles: LineProfiles
    half: np.ndarray  # (n_line,) windows of the lines, Angstrom


def synthesize(
    T_eff: float,
    log_g: float,
    M_H: float,
    *,
    a_M: float = 0.0,
    C_M: float = 0.0,
    N_M: float = 0.0,
    v_micro: float = 2.0,
    wave: np.ndarray,
    line_list: pd.DataFrame | None = None,
    bands: tuple[str, ...] = BANDS,
    device: str | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Surface flux and continuum, both (n_wave,) erg s-1 cm-2 A-1, of a plane-parallel LTE atmosphere.

    `T_eff` K, `log_g` cgs dex, `M_H`, `a_M`, `C_M`, `N_M` dex, `v_micro` km/s; `wave` (n_wave,) vacuum Angstrom,
    increasing, fine enough for the line cores (`instrument.fine_wave`). `line_list` is a table of atomic lines like
    that of `lines.load_lines`, the default; `bands` are the molecules whose bands are included; `device` is where the
    work at the wavelengths is done (`gravispec.device.on_device`). Raises InputError outside `VALIDITY` and
    `WAVE_RANGE`.
    """
    labels = {"T_eff": T_eff, "log_g": log_g, "M_H": M_H, "a_M": a_M, "C_M": C_M, "N_M": N_M, "v_micro": v_micro}
    wave = np.asarray(wave, dtype=float)
    _check(labels, wave)
    model = prepare(**labels, lines=load_lines() if line_list is None else line_list, bands=bands)
    chunk = CHUNK if device is None else wave.size
    return emerge(model, wave, device, chunk), np.interp(wave, coarse_grid(), model.continuum)


def prepare(
    T_eff: float,
    log_g: float,
    M_H: float,
    a_M: float,
    C_M: float,
    N_M: float,
    v_micro: float,
    *,
    lines: pd.DataFrame,
    bands: tuple[str, ...],
) -> Model:
    """All of a model that does not depend on the wavelengths of the spectrum; arguments as in `synthesize`."""
    tau_ref, coarse, smooth = depth_scale(), coarse_grid(), smooth_grid()
    gas, molecules = equilibrium(model_atmosphere(T_eff, log_g, M_H, a_M, C_M, N_M, tau_ref))
    reference = continuous_opacity(gas, np.array([REFERENCE_WAVE]))[:, 0]
    opacity, source = continuous_opacity(gas, coarse), planck(coarse, gas.T)
    to_depth = optical_depth(np.diag(1.0 / reference), tau_ref)
    tau = to_depth @ opacity
    continuum = emergent_flux(tau, source)

    n = int(np.searchsorted(tau.min(axis=1), DEEPEST)) + 1  # depths that can be seen
    gas, to_depth = gas.above(n), to_depth[:n, :n]
    tau_ref, reference, opacity, source, tau = (a[:n] for a in (tau_ref, reference, opacity, source, tau))

    profiles = line_profiles(lines, gas, v_micro)
    at_lines, depth = (interpolate(coarse, table, profiles.wave).T for table in (opacity, tau))
    half = half_windows(profiles, at_lines, depth)

    matters = CUTOFF * reference / np.minimum(tau_ref, 1.0)  # cm-1
    molecules = {m: molecules[m][:n] for m in bands}
    seen = [m for m in bands if (peak_opacity(m, molecules[m], gas.T, v_micro) > matters).any()]
    paschen = paschen_lines(gas, v_micro, smooth, PASCHEN_CUTOFF / CUTOFF * matters * np.exp(tau_ref))
    return Model(
        gas,
        {m: molecules[m] for m in seen},
        v_micro,
        to_depth,
        to_depth @ (interpolate(coarse, opacity, smooth) + paschen),
        interpolate(coarse, source, smooth),
        continuum,
        profiles,
        half,
    )


def emerge(model: Model, wave: np.ndarray, device: str | None, chunk: int) -> np.ndarray:
    """Flux (n_wave,) of a model at `wave` (n_wave,), `chunk` wavelengths at a time."""
    key, T = wave.tobytes(), model.gas.T
    to_depth, tau, source = (
        on_device(array.astype(np.float32), device) for array in (model.to_depth, model.tau, model.source)
    )
    terms = [band_terms(name, density, T, model.v_micro, key, device) for name, density in model.molecules.items()]
    flux = np.empty(wave.size)
    for part, at, nodes, share in columns(key, chunk, device):
        opacity = line_opacity(model.profiles, model.half, at)
        for table, weight in chain(*terms):
            opacity += (table[part] @ weight).T
        depth = to_depth @ opacity + tau[:, nodes] @ share
        flux[part] = host(emergent_flux(depth, source[:, nodes], share))
    return flux


@lru_cache(maxsize=4)
def columns(wave: bytes, chunk: int, device: str | None) -> list[tuple[slice, np.ndarray, slice, np.ndarray]]:
    """Of every `chunk` of wavelengths: its place, wavelengths, nodes of `smooth_grid` and their weights.

    The weights (n_node, n_wave) are those of linear interpolation, in single precision.
    """
    wave, smooth = np.frombuffer(wave).copy(), smooth_grid()
    left = np.clip(np.searchsorted(smooth, wave, side="right") - 1, 0, smooth.size - 2)
    right = np.clip((wave - smooth[left]) / (smooth[left + 1] - smooth[left]), 0.0, 1.0)
    parts = []
    for start in range(0, wave.size, chunk):
        part = slice(start, min(start + chunk, wave.size))
        nodes = slice(left[part][0], left[part][-1] + 2)
        share = np.zeros((nodes.stop - nodes.start, part.stop - start), dtype=np.float32)
        column = np.arange(part.stop - start)
        share[left[part] - nodes.start, column] = 1.0 - right[part]
        share[left[part] - nodes.start + 1, column] = right[part]
        parts.append((part, on_device(wave[part], device), nodes, on_device(share, device)))
    return parts


@cache
def coarse_grid() -> np.ndarray:
    """Wavelengths (n_coarse,), every `COARSE_STEP` over `WAVE_RANGE`."""
    ends = np.floor(WAVE_RANGE[0] / COARSE_STEP), np.ceil(WAVE_RANGE[1] / COARSE_STEP) + 1
    return COARSE_STEP * np.arange(*ends)


@cache
def smooth_grid() -> np.ndarray:
    """`coarse_grid` with the points that the Paschen lines need: they are broad, and these will do."""
    return np.union1d(coarse_grid(), line_grid()[line_grid() < coarse_grid()[-1]])


def interpolate(x: np.ndarray, table: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation of every row of `table` (n_rows, n_x) from `x` to `at`, (n_rows, n_at).

    Beyond the ends of `x` the rows keep their last value.
    """
    left = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    right = np.clip((at - x[left]) / (x[left + 1] - x[left]), 0.0, 1.0)
    return table[:, left] * (1.0 - right) + table[:, left + 1] * right


def _check(labels: dict[str, float], wave: np.ndarray) -> None:
    for name, value in labels.items():
        low, high = VALIDITY[name]
        if not low <= value <= high:
            raise InputError(f"{name}: {value} is outside the range {low} to {high} that the synthesis covers")
    if wave.ndim != 1 or wave.size < 2 or not (np.diff(wave) > 0).all():
        raise InputError("wave: needs one axis of at least two increasing wavelengths")
    if not (WAVE_RANGE[0] <= wave[0] and wave[-1] <= WAVE_RANGE[1]):
        raise InputError(
            f"wave: {wave[0]:.1f}-{wave[-1]:.1f} A is not inside {WAVE_RANGE[0]:.0f}-{WAVE_RANGE[1]:.0f} A, "
            "which the line list covers"
        )
