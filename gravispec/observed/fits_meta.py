"""What the headers and tables of a FITS file say about its spectra: wavelengths, medium, identifiers, velocities."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import names
from gravispec.observed.asked import Asked
from gravispec.observed.raw import row_blocks, star_ids
from gravispec.observed.units import in_angstrom, in_km_s, parse, width_in_angstrom


def medium(*headers: fits.Header) -> str | None:
    """air or vacuum as the first of the headers that says so: VACUUM, AIRORVAC or CTYPE1 (WAVE, AWAV)."""
    for header in headers:
        if isinstance(header.get("VACUUM"), bool | int):
            return "vacuum" if header["VACUUM"] else "air"
        if (stated := names.medium(str(header.get("AIRORVAC", "")))) in ("air", "vacuum"):
            return stated
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
    where, unit = f"{where}: axis 1", text(header.get("CUNIT1")) or unit or ""
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
    # uint: 64-bit identifiers stay whole
    return fits.BinTableHDU.fromstring(header.tostring().encode("ascii") + content, uint=True).data


def column_of(hdu: fits.BinTableHDU, name: str, rows: fits.FITS_rec, blank=np.nan) -> np.ndarray:
    """Values of a column in some `rows` of the table; `blank` where they are TNULL, which astropy does not look at."""
    values, null = rows[name], hdu.columns[name].null
    if null is None:
        return values
    if values.dtype == object:
        known = [np.where(np.asarray(row) == null, blank, row) for row in values]
        return np.fromiter(known, dtype=object, count=len(known))
    missing = rows.view(np.ndarray)[name] == null
    return np.where(missing, blank, values) if missing.any() else values


def table_column(hdu: fits.BinTableHDU, name: str, blank=np.nan) -> np.ndarray:
    """One number or string a row of the table, `blank` where it is TNULL."""
    n = hdu.header["NAXIS2"]
    blocks = row_blocks(n, hdu.header["NAXIS1"] // 20 + 1, n)
    return np.concatenate([column_of(hdu, name, table_rows(hdu, lo, hi), blank).copy() for lo, hi in blocks])


def units(hdu: fits.BinTableHDU) -> dict[str, str | None]:
    """Unit of every column by its name: blank where the keyword is there and blank, None where there is none."""
    stated = [hdu.header.get(f"TUNIT{i}") for i in range(1, len(hdu.columns) + 1)]
    return dict(zip(hdu.columns.names, [text(unit) for unit in stated], strict=True))


def text(value) -> str | None:
    """The value of a keyword as text, None where it has none."""
    return None if value is None or isinstance(value, fits.card.Undefined) else str(value)


def identifiers(path: Path, n: int, tables: Iterable[fits.BinTableHDU], headers: Iterable[fits.Header]) -> np.ndarray:
    """Identifiers (n,) str: a column of the first of `tables` that has one and `n` rows, or a keyword of `headers`.

    Keywords, OBJID or OBJECT, are for a single spectrum. Without either the name of the file stands in.

    Raises:
        InputError: two spectra have one identifier; there is such a column, but with another number of rows than `n`,
            which is not 1.
    """
    if found := _column(path, n, tables, names.STAR_ID):
        return star_ids(path, n, table_column(*found, blank=""))
    values = [str(header.get(key, "")).strip() for key in ("OBJID", "OBJECT") for header in headers]
    return star_ids(path, n, [value for value in values if value][:1] or None if n == 1 else None)


def numbers(
    path: Path, n: int, tables: Iterable[fits.BinTableHDU], headers: Iterable[fits.Header], asked: Asked
) -> dict[str, np.ndarray]:
    """`velocity`, km/s, `width` and `snr` of each spectrum (n,), of what the file has and is `asked` for.

    A column or, for one spectrum, a keyword, NaN where that is no number. The velocity is called as is asked, or has
    one of the usual names. InputError where a name does not exist, or the column has another number of rows than `n`,
    which is not 1.
    """

    def of(what, name, usual=(), convert=names.as_numbers):
        wanted = (name.lower(),) if name else usual
        if found := _column(path, n, tables, wanted):
            hdu, column = found
            return {what: convert(table_column(hdu, column), units(hdu)[column], f"{path}: column {column}")}
        for header in headers if n == 1 else ():
            if keyword := names.find(header, wanted):
                value = header[keyword]
                return {what: np.array([value if isinstance(value, int | float) else np.nan], dtype=float)}
        if name:
            what = names.SAID[what]
            raise InputError(f"{path}: has no column {name!r} with the {what} of its spectra; check the name")
        return {}

    found = of("velocity", asked.velocity, names.VELOCITY, in_km_s) | of("snr", asked.snr) | of("width", asked.R)
    return found | of("width", asked.fwhm, convert=width_in_angstrom)


def _column(path, n, tables, wanted):
    """The first of `tables` with a column of the name `wanted` and `n` rows, and that name."""
    found = [(hdu, name) for hdu in tables if (name := names.find(hdu.columns.names, wanted))]
    for hdu, name in found:
        if hdu.header["NAXIS2"] == n:
            return hdu, name
    if found and n > 1:
        hdu, name = found[0]
        raise InputError(
            f"{path}: column {name} of table {hdu.name or 'without a name'} has {hdu.header['NAXIS2']} rows for {n} "
            "spectra; give one each, or another name if it is something else"
        )
    return None
