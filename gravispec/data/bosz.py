"""Files of the BOSZ 2024 release (Mészáros et al. 2024, A&A 688, A197): their names, and safe reading.

A model is two columns, Eddington flux H (erg s⁻¹ cm⁻² Å⁻¹) and continuum, gzipped text without a header; the
wavelengths (Å) of all models of one resolution are in one file.
"""

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.errors import InputError

MISSING = b"404 Not Found\n"  # what stands in the local copy of a file that the archive does not have


def wave_file(r: int) -> str:
    """Path of the wavelengths of resolution `r` below the root of the release."""
    return f"wavelength_grids/bosz2024_wave_r{r}.txt"


def model_file(
    T_eff: float, log_g: float, M_H: float, *, a_M: float = 0.0, C_M: float = 0.0, v_micro: int = 2, r: int
) -> str:
    """Path of a model below the root of the release; labels are rounded to its nodes."""
    M_H, a_M, C_M, log_g = (round(value, 2) + 0.0 for value in (M_H, a_M, C_M, log_g))  # + 0.0: no -0.00
    labels = f"t{round(T_eff)}_g{log_g:+.1f}_m{M_H:+.2f}_a{a_M:+.2f}_c{C_M:+.2f}_v{v_micro}"
    return f"r{r}/m{M_H:+.2f}/bosz2024_{_atmosphere(T_eff, log_g)}_{labels}_r{r}_resam.txt.gz"


def _atmosphere(T_eff: float, log_g: float) -> str:
    """ATLAS9 above 8000 K; below, MARCS: spherical below log g 3.5, plane-parallel from there."""
    if T_eff > 8000:
        return "ap"
    return "ms" if log_g < 3.5 else "mp"


def is_missing(path: Path | str) -> bool:
    """Whether the archive answered that it does not have this file."""
    with open(path, "rb") as file:
        return file.read(len(MISSING) + 1) == MISSING


def read_wave(path: Path | str) -> np.ndarray:
    """Wavelengths (n,) Å of one resolution. Raises InputError unless they are numbers that increase."""
    if is_missing(path):
        raise InputError(f"{path}: the source has no such file; check source and r of the grid")
    wave = _columns(path, Path(path).read_bytes(), 1)[:, 0]
    if len(wave) < 2 or not (np.isfinite(wave).all() and wave[0] > 0 and (np.diff(wave) > 0).all()):
        raise InputError(f"{path}: wavelengths must be positive and increase; fetch the file again")
    return wave


def read_model(path: Path | str, n_wave: int) -> tuple[np.ndarray, np.ndarray]:
    """Flux and continuum, (n_wave,) each. Raises InputError that names a truncated, damaged or other file."""
    try:
        text = gzip.decompress(Path(path).read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: truncated or damaged ({error}); fetch the file again") from None
    values = _columns(path, text, 2)
    if len(values) != n_wave:
        raise InputError(f"{path}: {len(values)} rows, its wavelength file has {n_wave}; fetch both files again")
    return values[:, 0], values[:, 1]


def _columns(path: Path | str, text: bytes, n_columns: int) -> np.ndarray:
    """Numbers (n, n_columns) of white-space separated text."""
    try:
        frame = pd.read_csv(io.BytesIO(text), sep=r"\s+", header=None, comment="#", dtype=np.float64)
    except (ValueError, UnicodeDecodeError) as error:  # ParserError and EmptyDataError are ValueErrors
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a table of numbers ({reason}); fetch the file again") from None
    if frame.shape[1] != n_columns:
        raise InputError(f"{path}: {frame.shape[1]} columns, expected {n_columns}; is it a file of this release?")
    return frame.to_numpy()
