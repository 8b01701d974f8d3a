"""Which reader a file needs."""

from collections.abc import Iterator
from pathlib import Path

from gravispec.errors import InputError
from gravispec.observed.raw import Raw

HDF5 = b"\x89HDF\r\n\x1a\n"
FITS = (b"SIMPLE  =", b"\x1f\x8b")  # plain, gzip


def raw_spectra(path: Path, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time; `velocity` names the column of radial velocities, if any."""
    with open(path, "rb") as file:
        start = file.read(16)
    # the libraries take a fifth of a second each to import: only the one that is needed
    if start.startswith(HDF5):
        from gravispec.observed.hdf5 import read
    elif start.startswith(FITS):
        from gravispec.observed.fits import read
    else:
        raise InputError(
            f"{path}: is {'neither FITS nor HDF5' if start else 'empty'}; give a complete FITS or HDF5 file"
        )
    return read(path, rows, velocity)
