"""A spectrum from labels: model atmosphere, opacities of continuum, hydrogen, atoms and molecules, formal solution."""

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.spectra.lte.atmosphere import REFERENCE_WAVE, depth_scale, model_atmosphere
from gravispec.spectra.lte.bands import band_opacity, peak_opacity
from gravispec.spectra.lte.chemistry import equilibrium
from gravispec.spectra.lte.hydrogen_lines import line_grid, paschen_lines
from gravispec.spectra.lte.lines import CUTOFF, half_windows, line_opacity, line_profiles, load_lines
from gravispec.spectra.lte.opacity import continuous_opacity
from gravispec.spectra.lte.transfer import emergent_flux, optical_depth, planck

VALIDITY = {
    "T_eff": (3500.0, 6500.0),  # K; in hotter stars hydrogen leaves LTE, cooler ones need VO, FeH and H2O
    "log_g": (0.5, 5.5),
    "M_H": (-3.0, 1.0),
    "a_M": (-1.0, 1.0),
    "C_M": (-1.0, 1.0),
    "v_micro": (0.0, 10.0),  # km/s
}
WAVE_RANGE = (7080.0, 8875.0)  # Angstrom, vacuum: what the line list covers
COARSE_STEP = 10.0  # Angstrom: continuous opacity and Planck function are linear in between
BANDS = ("TiO", "CN")  # molecules whose bands are included
CHUNK = 1024  # wavelengths at a time, so that the work stays in the processor's cache


def synthesize(
    T_eff: float,
    log_g: float,
    M_H: float,
    *,
    a_M: float = 0.0,
    C_M: float = 0.0,
    v_micro: float = 2.0,
    wave: np.ndarray,
    line_list: pd.DataFrame | None = None,
    bands: tuple[str, ...] = BANDS,
) -> tuple[np.ndarray, np.ndarray]:
    """Surface flux and continuum, both (n_wave,) erg s-1 cm-2 A-1, of a plane-parallel LTE atmosphere.

    `T_eff` K, `log_g` cgs dex, `M_H`, `a_M`, `C_M` dex, `v_micro` km/s; `wave` (n_wave,) vacuum Angstrom, increasing,
    fine enough for the line cores (`instrument.fine_wave`). `line_list` is a table of atomic lines like that of
    `lines.load_lines`, the default; `bands` are the molecules whose bands are included. Raises InputError outside
    `VALIDITY` and `WAVE_RANGE`.
    """
    labels = {"T_eff": T_eff, "log_g": log_g, "M_H": M_H, "a_M": a_M, "C_M": C_M, "v_micro": v_micro}
    wave = np.asarray(wave, dtype=float)
    _check(labels, wave)
    lines = load_lines() if line_list is None else line_list

    tau_ref = depth_scale()
    gas, molecules = equilibrium(model_atmosphere(T_eff, log_g, M_H, a_M, C_M, tau_ref))
    coarse = COARSE_STEP * np.arange(np.floor(WAVE_RANGE[0] / COARSE_STEP), np.ceil(WAVE_RANGE[1] / COARSE_STEP) + 1)
    reference = continuous_opacity(gas, np.array([REFERENCE_WAVE]))
    coarse_ratio = continuous_opacity(gas, coarse) / reference
    coarse_source = planck(coarse, gas.T)
    coarse_tau = optical_depth(coarse_ratio, tau_ref)
    coarse_continuum = emergent_flux(coarse_tau, coarse_source)

    profiles = line_profiles(lines, gas, v_micro)
    continuum_depth = interpolate(coarse, coarse_tau, profiles.wave).T
    at_lines = interpolate(coarse, coarse_ratio * reference, profiles.wave).T
    half = half_windows(profiles, at_lines, continuum_depth)

    # The Paschen lines are broad: their own coarse grid will do.
    smooth = np.union1d(coarse, line_grid()[line_grid() < coarse[-1]])
    smooth_ratio = interpolate(coarse, coarse_ratio, smooth) + paschen_lines(gas, v_micro, smooth) / reference
    weight = np.minimum(tau_ref, 1.0) / reference[:, 0]
    seen = [m for m in bands if (weight * peak_opacity(m, molecules[m], gas.T, v_micro)).max() > CUTOFF]

    flux = np.empty(wave.size)
    for start in range(0, wave.size, CHUNK):
        part = slice(start, start + CHUNK)
        opacity = line_opacity(profiles, half, wave[part])
        for molecule in seen:
            opacity += band_opacity(molecule, molecules[molecule], gas.T, wave[part], v_micro)
        ratio = interpolate(smooth, smooth_ratio, wave[part]) + opacity / reference
        source = interpolate(coarse, coarse_source, wave[part])
        flux[part] = emergent_flux(optical_depth(ratio, tau_ref), source)
    return flux, np.interp(wave, coarse, coarse_continuum)


def interpolate(x: np.ndarray, table: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation of every row of `table` (n_rows, n_x) from `x` to `at`, (n_rows, n_at)."""
    return np.stack([np.interp(at, x, row) for row in table])


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
