"""FITS files: is the file complete, and which HDU has the spectra."""

import contextlib
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
    with contextlib.ExitStack() as stack:
        hdus = stack.enter_context(_opened(path, memmap=False))  # mapped pages would count as memory
        tables = [i for i, hdu in enumerate(hdus) if type(hdu) is fits.BinTableHDU]
        if any(hdus[i].header["PCOUNT"] for i in tables):
            hdus = stack.enter_context(
                _opened(path, memmap=True)
            )  # all arrays of any length are read at once otherwise
        tables = [i for i in tables if names.find(hdus[i].columns.names, names.FLUX)]
        images = [i for i, hdu in enumerate(hdus) if isinstance(hdu, fits_images.IMAGES) and hdu.shape]
        named = [i for i in images if names.find([hdus[i].name], names.FLUX)]
        if {hdu.name for hdu in hdus} >= pfs.EXTENSIONS:
            yield from pfs.read(path, hdus, rows, velocity)
        elif tables and not named:
            yield from fits_tables.read(path, hdus, tables[0], rows, velocity)
        elif images:
            yield from fits_images.read(path, hdus, (named or images)[0], rows, velocity)
        else:
            raise InputError(
                f"{path}: has no image and no table with a column flux; docs/observed.md lists the layouts"
            )


def _opened(path, memmap):
    """The HDUs of a file that is complete."""
    hdus = fits.open(path, memmap=memmap)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*truncated", category=AstropyUserWarning)
        len(hdus)  # reads the headers of all
    return hdus
