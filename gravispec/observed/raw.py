"""Spectra as a file gives them: what every reader yields, and what travels from the reading process."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gravispec.data.arrays import blocks
from gravispec.errors import InputError

BYTES = 2**26  # of flux, error, mask and wavelength in one batch of a reader
ARRAYS = ("star_id", "wave", "flux", "error", "bad", "velocity", "width", "snr", "problem")
FACTS = ("medium", "per_frequency", "shared", "has_velocity", "has_error")


@dataclass(frozen=True)
class Raw:
    """`n` spectra on the file's own pixels; scale and unit of the flux are free, those of the error are the same."""

    star_id: np.ndarray  # (n,) str
    wave: np.ndarray  # (Q,) for all, or (n, Q), Å, in the file's order
    flux: np.ndarray  # (n, Q) float32
    error: np.ndarray  # (n, Q) float32, 1σ
    bad: np.ndarray  # (n, Q) bool, masked in the file
    velocity: np.ndarray  # (n,) km/s, 0 where the file says nothing, NaN where it says that it is not known
    width: np.ndarray  # (n,) of the lines, fwhm (Å) or wavelength / fwhm, whichever was asked for; else NaN
    snr: np.ndarray  # (n,) as was asked for; else NaN
    problem: np.ndarray  # (n,) str, '' or why a row has no spectrum, and no pixels
    medium: str | None  # of the wavelengths: air, vacuum, or None: the file does not say
    per_frequency: bool  # flux density is per frequency, not per wavelength
    shared: bool  # the file has one wavelength axis: if it is bad, no spectrum can be used
    has_velocity: bool  # the file has velocities
    has_error: bool  # the file has errors; else they are 0


def raw(
    star_id,
    wave,
    flux,
    error=None,
    bad=None,
    *,
    velocity=None,
    width=np.nan,
    snr=np.nan,
    medium=None,
    per_frequency=False,
    shared=None,
    problem="",
) -> Raw:
    """`Raw` from arrays of any number type, (Q,) for one spectrum or (n, Q); without `error` or `velocity` it has none.

    Every spectrum is scaled by a power of two, which is exact, to keep squares of 1e-20 erg/s inside float32.
    Wavelengths are `shared` if they have one dimension, and nothing else is said.
    """
    has_error, flux = error is not None, np.atleast_2d(flux)
    error = np.atleast_2d(error) if has_error else np.zeros(flux.shape, np.float32)
    wave = np.asarray(wave, dtype=np.float64)
    shared = wave.ndim == 1 if shared is None else shared
    if wave.ndim == 2 and (wave == wave[0]).all():
        wave = wave[0]
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
        velocity=np.full(len(flux), 0.0 if velocity is None else velocity, dtype=np.float64),
        width=np.full(len(flux), width, dtype=np.float64),
        snr=np.full(len(flux), snr, dtype=np.float64),
        problem=np.full(len(flux), problem),
        medium=medium,
        per_frequency=per_frequency,
        shared=shared,
        has_velocity=velocity is not None,
        has_error=has_error,
    )


def without_pixels(star_id, problem: str, **about) -> Raw:
    """`Raw` of one row that has no spectrum, because of a `problem`."""
    return raw(star_id, *np.zeros((3, 1, 0)), shared=False, problem=problem, **about)


def _native(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32 if values.dtype.itemsize <= 4 and values.dtype.kind == "f" else np.float64)


def raw_rows(spectra: Raw, rows: np.ndarray) -> Raw:
    """The spectra with the numbers `rows`."""
    arrays = {name: getattr(spectra, name)[rows] for name in ARRAYS if name != "wave"}
    return replace(spectra, **arrays, wave=spectra.wave[rows] if spectra.wave.ndim == 2 else spectra.wave)


def row_blocks(n: int, n_pixels: int, rows: int) -> Iterator[tuple[int, int]]:
    """Pairs (lo, hi) that cover `n` spectra in steps of at most `rows` spectra and about `BYTES`."""
    return blocks(0, n, max(1, min(rows, BYTES // (20 * max(n_pixels, 1)))))


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


def unequal(names: Iterable[str], rows: Iterable[np.ndarray]) -> str:
    """Why the arrays of one spectrum, (1, Q) each, do not fit; "" if they do."""
    counts = [row.shape[-1] for row in rows]
    if len(set(counts)) == 1:
        return ""
    return "numbers of pixels differ: " + ", ".join(f"{name} {n}" for name, n in zip(names, counts, strict=True))


def star_ids(path: Path, n: int, values=None) -> np.ndarray:
    """Identifiers (n,) str: `values` of the file, else, and where one is blank, its name with the row if `n` > 1.

    Raises:
        InputError: two spectra have one identifier.
    """
    own = np.array([path.stem] if n == 1 else [f"{path.stem}_{row:07d}" for row in range(n)])
    if values is None:
        return own
    names = np.array([v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values])
    names = np.char.strip(names)
    names = np.where(names == "", own, names)  # rows that only fill up a table have none
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
    header = {name: getattr(spectra, name) for name in FACTS}
    header["arrays"] = [(a.dtype.str, a.shape) for a in arrays]
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
    return Raw(**arrays, **{name: header[name] for name in FACTS})
