"""What the headers and tables of a FITS file say about its spectra: wavelengths, medium, identifiers, velocities."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import names
from gravispec.observed.raw import row_blocks, star_ids
from gravispec.observed.units import in_angstrom, in_km_s, parse


def medium(*headers: fits.Header) -> str | None:
    """air or vacuum as the first of the headers that says so: VACUUM, AIRORVAC or CTYPE1 (WAVE, AWAV)."""
    for header in headers:
        if isinstance(header.get("VACUUM"), bool | int):
            return "vacuum" if header["VACUUM"] else "air"
        text = str(header.get("AIRORVAC", "")).strip().lower()
        if text.startswith(("air", "vac")):
            return "air" if text.startswith("air") else "vacuum"
        axis = str(header.get("CTYPE1", "")).upper()
        if axis.startswith(("AWAV", "WAVE")):
            return "air" if axis.startswith("AWAV") else "vacuum"
    return None


def axis_wavelengths(header: fits.Header, n: int, where: str, *, unit: str | None = None) -> np.ndarray:
    """Wavelengths (n,) Å along the first axis of an image; `unit` stands in for an absent CUNIT1.

    WAVE and AWAV with any algorithm of the FITS standard (WAVE-LOG, ...), IRAF's linear and log-linear (DC-FLAG 1)
    axes, and SDSS's COEFF0, COEFF1 (log10 of Å).
    """
    pixel = np.arange(n)
    if "COEFF0" in header and "COEFF1" in header:
        return 10 ** (header["COEFF0"] + header["COEFF1"] * pixel)
    step = header.get("CDELT1", header.get("CD1_1"))
    if "CRVAL1" not in header or step is None:
        raise InputError(f"{where} has no wavelengths; an extension WAVE or the keywords CRVAL1, CDELT1 are needed")
    where, unit = f"{where}: axis 1", str(header.get("CUNIT1") or unit or "")
    if not str(header.get("CTYPE1", "")).upper().startswith(("WAVE-", "AWAV-")):
        values = header["CRVAL1"] + (pixel + 1 - header.get("CRPIX1", 1)) * step
        return in_angstrom(10**values if header.get("DC-FLAG") == 1 else values, unit, where)
    from astropy.wcs import WCS  # a quarter of a second that few files need

    in_angstrom(pixel, unit, where)  # only to refuse a unit of no length
    header = header.copy()
    header["CUNIT1"] = parse(unit).to_string("fits")
    return WCS(header).sub([1]).wcs_pix2world(pixel, 0)[0] * 1e10  # from m


def table_rows(hdu: fits.BinTableHDU, lo: int, hi: int) -> fits.FITS_rec:
    """Rows `lo`..`hi` of a table by plain reads: mapped pages count as memory. Only arrays of any length are mapped."""
    if hdu.header["PCOUNT"]:
        return hdu.data[lo:hi]
    header, info = hdu.header.copy(), hdu.fileinfo()
    header["NAXIS2"] = hi - lo
    info["file"].seek(info["datLoc"] + lo * header["NAXIS1"])
    content = info["file"].read((hi - lo) * header["NAXIS1"])
    return fits.BinTableHDU.fromstring(header.tostring().encode("ascii") + content).data


def table_column(hdu: fits.BinTableHDU, name: str) -> np.ndarray:
    """One number or string a row of the table."""
    n = hdu.header["NAXIS2"]
    parts = [table_rows(hdu, lo, hi)[name].copy() for lo, hi in row_blocks(n, hdu.header["NAXIS1"] // 20 + 1, n)]
    return np.concatenate(parts)


def identifiers(path: Path, n: int, tables: Iterable[fits.BinTableHDU], headers: Iterable[fits.Header]) -> np.ndarray:
    """Identifiers (n,) str: a column of the first of `tables` that has one and `n` rows, or a keyword of `headers`.

    Keywords, OBJID or OBJECT, are for a single spectrum. Without either the name of the file stands in.

    Raises:
        InputError: two spectra have one identifier.
    """
    for hdu in tables:
        if hdu.header["NAXIS2"] == n and (name := names.find(hdu.columns.names, names.STAR_ID)):
            return star_ids(path, n, table_column(hdu, name))
    values = [str(header.get(key, "")).strip() for key in ("OBJID", "OBJECT") for header in headers]
    return star_ids(path, n, [value for value in values if value][:1] or None if n == 1 else None)


def velocities(
    path: Path, n: int, tables: Iterable[fits.BinTableHDU], headers: Iterable[fits.Header], name: str | None
) -> np.ndarray:
    """Radial velocities (n,), km/s, NaN where the file gives none: a column or, for one spectrum, a keyword.

    It is called `name`, or without that one of the usual names. InputError where `name` does not exist.
    """
    wanted = (name.lower(),) if name else names.VELOCITY
    for hdu in tables:
        units = {column.name: column.unit for column in hdu.columns}
        if hdu.header["NAXIS2"] == n and (column := names.find(units, wanted)):
            return in_km_s(table_column(hdu, column), units[column], f"{path}: column {column}")
    for header in headers if n == 1 else ():
        if keyword := names.find(header, wanted):
            return np.array([header[keyword]], dtype=float)
    if name:
        raise InputError(f"{path}: has no column {name!r} with the velocities of its spectra; check the name")
    return np.full(n, np.nan)
