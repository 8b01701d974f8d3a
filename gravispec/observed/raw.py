"""Spectra as a file gives them: what every reader yields, and what travels from the reading process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gravispec.data.arrays import blocks
from gravispec.errors import InputError

BYTES = 2**26  # of flux, error, mask and wavelength in one batch of a reader
ARRAYS = ("star_id", "wave", "flux", "error", "bad", "velocity")


@dataclass(frozen=True)
class Raw:
    """`n` spectra on the file's own pixels; scale and unit of the flux are free, those of the error are the same."""

    star_id: np.ndarray  # (n,) str
    wave: np.ndarray  # (Q,) for all, or (n, Q), Å, in the file's order
    flux: np.ndarray  # (n, Q) float32
    error: np.ndarray  # (n, Q) float32, 1σ
    bad: np.ndarray  # (n, Q) bool, masked in the file
    velocity: np.ndarray  # (n,) km/s, NaN: the file does not say
    medium: str | None  # of the wavelengths: air, vacuum, or None: the file does not say
    per_frequency: bool  # flux density is per frequency, not per wavelength


def raw(star_id, wave, flux, error, bad=None, *, velocity=None, medium=None, per_frequency=False) -> Raw:
    """`Raw` from arrays of any number type, (Q,) for one spectrum or (n, Q).

    Every spectrum is scaled by a power of two, which is exact, to keep squares of 1e-20 erg/s inside float32.
    """
    flux, error = np.atleast_2d(flux), np.atleast_2d(error)
    wave = np.asarray(wave, dtype=np.float64)
    if wave.ndim == 2 and (wave == wave[0]).all():
        wave = wave[0]
    if flux.shape != error.shape or wave.shape[-1] != flux.shape[1]:
        raise ValueError(f"shapes of wavelength {wave.shape}, flux {flux.shape} and error {error.shape} do not fit")
    size = np.abs(flux)
    size[~np.isfinite(size)] = 0
    exponent = -np.frexp(size.max(axis=1, keepdims=True, initial=0))[1]
    with np.errstate(over="ignore", under="ignore"):
        flux, error = (np.ldexp(_native(a), exponent).astype(np.float32, copy=False) for a in (flux, error))
    return Raw(
        star_id=np.atleast_1d(np.asarray(star_id, dtype=str)),
        wave=wave,
        flux=flux,
        error=error,
        bad=np.zeros(flux.shape, bool) if bad is None else np.atleast_2d(np.asarray(bad, dtype=bool)),
        velocity=np.full(len(flux), np.nan if velocity is None else velocity, dtype=np.float64),
        medium=medium,
        per_frequency=per_frequency,
    )


def _native(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32 if values.dtype.itemsize <= 4 and values.dtype.kind == "f" else np.float64)


def row_blocks(n: int, n_pixels: int, rows: int) -> Iterator[tuple[int, int]]:
    """Pairs (lo, hi) that cover `n` spectra in steps of at most `rows` spectra and about `BYTES`."""
    return blocks(0, n, max(1, min(rows, BYTES // (20 * n_pixels))))


def groups(*columns: np.ndarray) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Rows of table columns, (n, Q) or (n,) of arrays, and their values as 2-D arrays.

    All rows at once where they have one number of pixels, else one by one.
    """
    n = len(columns[0])
    if len({len(row) for column in columns for row in column}) == 1:
        yield slice(0, n), [np.stack(list(column)) if column.dtype == object else column for column in columns]
        return
    for row in range(n):
        yield slice(row, row + 1), [np.asarray(column[row])[None] for column in columns]


def star_ids(path: Path, n: int, values=None) -> np.ndarray:
    """Identifiers (n,) str: `values` of the file, else its name, with the row where there are more spectra.

    Raises:
        InputError: two spectra have one identifier.
    """
    if values is None:
        return np.array([path.stem] if n == 1 else [f"{path.stem}_{row:07d}" for row in range(n)])
    names = np.array([v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values])
    names = np.char.strip(names)
    unique, count = np.unique(names, return_counts=True)
    if len(unique) < n:
        name = str(unique[count > 1][0])
        rows = np.flatnonzero(names == name)[:2]
        raise InputError(
            f"{path}: rows {rows[0]} and {rows[1]} have the same identifier {name!r}; give every spectrum its own"
        )
    return names


def send(stream: BinaryIO, spectra: Raw) -> None:
    """Write `spectra` as one line of JSON and the bytes of the arrays."""
    arrays = [np.ascontiguousarray(getattr(spectra, name)) for name in ARRAYS]
    header = {
        "medium": spectra.medium,
        "per_frequency": spectra.per_frequency,
        "arrays": [(a.dtype.str, a.shape) for a in arrays],
    }
    stream.write(json.dumps(header).encode() + b"\n")
    for array in arrays:
        stream.write(array.view(np.uint8).data if array.size else b"")
    stream.flush()


def receive(stream: BinaryIO, header: dict) -> Raw:
    """`Raw` of a `header` of `send`, with the arrays that follow it in `stream`; EOFError where they end early."""
    arrays = {}
    for name, (dtype, shape) in zip(ARRAYS, header["arrays"], strict=True):
        arrays[name] = np.empty(shape, np.dtype(dtype))
        buffer = memoryview(arrays[name].reshape(-1).view(np.uint8))
        if stream.readinto(buffer) != len(buffer):
            raise EOFError
    return Raw(**arrays, medium=header["medium"], per_frequency=header["per_frequency"])
