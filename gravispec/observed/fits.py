"""FITS files: which HDU has the spectra, and whether the file is complete."""

import warnings
from collections.abc import Iterator
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from gravispec.errors import InputError
from gravispec.observed import fits_tables, names
from gravispec.observed.raw import Raw


def read(path: Path, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*truncated", category=AstropyUserWarning)
        with fits.open(path) as hdus:
            tables = [
                i
                for i, hdu in enumerate(hdus)
                if isinstance(hdu, fits.BinTableHDU) and names.find(hdu.columns.names, names.FLUX)
            ]
    if tables:
        return fits_tables.read(path, tables[0], rows, velocity)
    raise InputError(f"{path}: no spectra found")
