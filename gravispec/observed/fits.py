"""FITS files: is the file complete, and which HDU has the spectra."""

import warnings
from collections.abc import Iterator
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from gravispec.errors import InputError
from gravispec.observed import fits_images, fits_tables, names, pfs
from gravispec.observed.raw import Raw


def read(path: Path, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time: of a PFS product, an image FLUX, a table, or the first image."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*truncated", category=AstropyUserWarning)
        with fits.open(path) as hdus:
            images = [i for i, hdu in enumerate(hdus) if isinstance(hdu, fits_images.IMAGES) and hdu.shape]
            tables = [i for i, hdu in enumerate(hdus) if type(hdu) is fits.BinTableHDU]
            tables = [i for i in tables if names.find(hdus[i].columns.names, names.FLUX)]
            if {hdu.name for hdu in hdus} >= pfs.EXTENSIONS:
                return pfs.read(path, rows, velocity)
            named = [i for i in images if names.find([hdus[i].name], names.FLUX)]
    if not named and tables:
        return fits_tables.read(path, tables[0], rows, velocity)
    if not images:
        raise InputError(f"{path}: has no image and no table with a column flux; docs/observed.md lists the layouts")
    return fits_images.read(path, (named or images)[0], rows, velocity)
