"""FITS files: is the file complete, and which HDU has the spectra."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from gravispec.errors import InputError
from gravispec.observed import checksums, fits_images, fits_tables, names, pfs
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw

KINDS = (*fits_images.IMAGES, fits.BinTableHDU, fits.TableHDU, fits.GroupsHDU)
DAMAGE = ".*(truncated|Error validating header)"


def read(path: Path, file: BinaryIO, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of the open `file` at `path`, at most `rows` at a time: of a PFS product, an image FLUX, a table, or the
    first image."""
    with contextlib.ExitStack() as stack:
        hdus = stack.enter_context(_opened(path, file, memmap=False))  # mapped pages would count as memory
        checksums.verify(path, file, hdus)
        tables = [i for i, hdu in enumerate(hdus) if type(hdu) is fits.BinTableHDU]
        if any_length := [i for i in tables if hdus[i].header["PCOUNT"]]:
            # all of their arrays are read at once otherwise
            mapped = stack.enter_context(_opened(path, file, memmap=True))
            for i in any_length:
                hdus[i] = mapped[i]
        tables = [i for i in tables if names.find(hdus[i].columns.names, names.FLUX)]
        images = [i for i, hdu in enumerate(hdus) if isinstance(hdu, fits_images.IMAGES) and hdu.shape]
        named = [i for i in images if names.find([hdus[i].name], names.FLUX)]
        if {hdu.name for hdu in hdus} >= pfs.EXTENSIONS:
            yield from pfs.read(path, hdus, rows, asked)
        elif tables and not named:
            yield from fits_tables.read(path, hdus, tables[0], rows, asked)
        elif images:
            yield from fits_images.read(path, hdus, (named or images)[0], rows, asked)
        else:
            raise InputError(
                f"{path}: has no image and no table with a column flux; docs/observed.md lists the layouts"
            )


def _opened(path, file, memmap):
    """The HDUs of a file that is complete."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=DAMAGE, category=AstropyUserWarning)
            hdus = fits.open(file, memmap=memmap)
            len(hdus)  # reads the headers of all
    except AstropyUserWarning as warning:
        reason = " ".join(str(warning).split())
        raise InputError(f"{path}: cannot be read, it is truncated or damaged ({reason}); fetch it again") from None
    for i, hdu in enumerate(hdus):
        if not isinstance(hdu, KINDS):
            raise InputError(
                f"{path}[{i}]: is no image and no table (XTENSION {hdu.header.get('XTENSION')!r}); fetch the file "
                "again, or, if that is on purpose, leave this extension out"
            )
    return hdus
