"""A spectrum from labels: model atmosphere, opacities of continuum, hydrogen, atoms and molecules, formal solution."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from gravispec.device import host, namespace, on_device
from gravispec.errors import InputError
from gravispec.spectra.lte.atmosphere import REFERENCE_WAVE, depth_scale, model_atmosphere
from gravispec.spectra.lte.bands import band_opacity, peak_opacity
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
CHUNK = 1024  # wavelengths at a time with NumPy, so that the work stays in the processor's cache; else all at once


@dataclass(frozen=True)
class Model:
    """An atmosphere and its smooth spectrum: what is cheap, and made with NumPy wherever the spectrum is."""

    gas: Gas
    molecules: dict[str, np.ndarray]  # density, (n_depth,) cm-3, of the molecules whose bands are seen
    v_micro: float  # km/s
    reference: np.ndarray  # (n_depth, 1) continuous opacity at `REFERENCE_WAVE`, cm-1
    ratio: np.ndarray  # (n_depth, n_coarse) continuous opacity over the reference, at `coarse_grid`
    source: np.ndarray  # (n_depth, n_coarse) Planck function
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
    tau_ref, coarse = depth_scale(), coarse_grid()
    gas, molecules = equilibrium(model_atmosphere(T_eff, log_g, M_H, a_M, C_M, N_M, tau_ref))
    reference = continuous_opacity(gas, np.array([REFERENCE_WAVE]))
    ratio = continuous_opacity(gas, coarse) / reference
    source = planck(coarse, gas.T)
    tau = optical_depth(ratio, tau_ref)

    profiles = line_profiles(lines, gas, v_micro)
    continuum_depth = interpolate(coarse, tau, profiles.wave).T
    at_lines = interpolate(coarse, ratio * reference, profiles.wave).T
    half = half_windows(profiles, at_lines, continuum_depth)

    weight = np.minimum(tau_ref, 1.0) / reference[:, 0]
    seen = [m for m in bands if (weight * peak_opacity(m, molecules[m], gas.T, v_micro)).max() > CUTOFF]
    molecules = {m: molecules[m] for m in seen}
    continuum = emergent_flux(tau, source)
    return Model(gas, molecules, v_micro, reference, ratio, source, continuum, profiles, half)


def emerge(model: Model, wave: np.ndarray, device: str | None, chunk: int) -> np.ndarray:
    """Flux (n_wave,) of a model at `wave` (n_wave,), `chunk` wavelengths at a time."""
    paschen = paschen_lines(model.gas, model.v_micro, smooth_grid(), device)
    at, coarse, smooth, tau_ref, reference, ratio, source = (
        on_device(array, device)
        for array in (wave, coarse_grid(), smooth_grid(), depth_scale(), model.reference, model.ratio, model.source)
    )
    smooth_ratio = interpolate(coarse, ratio, smooth) + paschen / reference

    flux = np.empty(wave.size)
    for start in range(0, wave.size, chunk):
        part = at[start : start + chunk]
        opacity = line_opacity(model.profiles, model.half, part)
        for molecule, density in model.molecules.items():
            opacity += band_opacity(molecule, density, model.gas.T, part, model.v_micro)
        total = interpolate(smooth, smooth_ratio, part) + opacity / reference
        surface = emergent_flux(optical_depth(total, tau_ref), interpolate(coarse, source, part))
        flux[start : start + chunk] = host(surface)
    return flux


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
    """Linear interpolation of every row of `table` (n_rows, n_x) from `x` to `at`, (n_rows, n_at); arrays or tensors.

    Beyond the ends of `x` the rows keep their last value.
    """
    xp = namespace(at)
    if xp is np:
        return np.stack([np.interp(at, x, row) for row in table])
    left = xp.clip(xp.searchsorted(x, at, right=True) - 1, 0, len(x) - 2)
    share = xp.clip((at - x[left]) / (x[left + 1] - x[left]), 0.0, 1.0)
    return xp.lerp(table[:, left], table[:, left + 1], share)


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
