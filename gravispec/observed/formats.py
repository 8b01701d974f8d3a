"""Which reader a file needs."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from gravispec.errors import InputError
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw

HDF5 = b"\x89HDF\r\n\x1a\n"
FITS = b"SIMPLE  ="
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def raw_spectra(path: Path, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time; `asked`: what else is read."""
    with contextlib.ExitStack() as stack:
        file = plain = stack.enter_context(_opened(path))
        start = file.read(len(HDF5) + 1)
        if not start.startswith((HDF5, FITS)):
            from gravispec.observed.compressed import uncompressed

            file.seek(0)
            file = stack.enter_context(uncompressed(path, plain))
            start = file.read(len(HDF5) + 1)
        # the libraries take a fifth of a second each to import: only the one that is needed
        if start.startswith(HDF5) and file is plain:
            from gravispec.observed.hdf5 import read

            yield from read(path, rows, asked)
        elif start.startswith(HDF5):
            raise InputError(f"{path}: is a compressed HDF5 file; uncompress it (HDF5 compresses inside the file)")
        elif start.startswith(FITS):
            from gravispec.observed.fits import read

            yield from read(path, file, rows, asked)
        else:
            what = "neither FITS nor HDF5" if start else "empty"
            raise InputError(f"{path}: is {what}; give a complete FITS or HDF5 file")


def _opened(path):
    """An open file. Anything but a file is refused before it is opened, which could wait for ever."""
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind in KINDS:
        raise InputError(f"{path}: is {KINDS[kind]}; give the path of a FITS or HDF5 file")
    return open(path, "rb")
