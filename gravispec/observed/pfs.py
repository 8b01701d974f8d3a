"""Products of the Subaru PFS pipeline: pfsObject, pfsSingle (a spectrum a file), pfsCoadd, pfsCalibrated (many).

Layout: datamodel.txt and the classes PfsFiberArray and PfsTargetSpectra of github.com/Subaru-PFS/datamodel. Wavelengths
are nm in vacuum and fluxes nJy by definition. The error is the diagonal of COVAR.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.observed import fits_meta
from gravispec.observed.asked import Asked
from gravispec.observed.fits_images import IMAGES
from gravispec.observed.names import to_error
from gravispec.observed.raw import Raw, groups, raw, row_blocks, star_ids, unequal, without_pixels
from gravispec.observed.units import in_angstrom, is_per_frequency

EXTENSIONS = {"FLUX", "MASK", "COVAR", "TARGET"}
BAD_PLANES = {"SAT", "CR", "NO_DATA", "UNMASKEDNAN"}  # and every plane BAD...: BAD, BAD_FLAT, BAD_SKY, BAD_FLUXCAL


def read(path: Path, hdus: fits.HDUList, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of the PFS product `path`, at most `rows` at a time; identifiers are catId:objId."""
    flux, target = hdus["FLUX"], hdus["TARGET"]
    single = isinstance(flux, IMAGES) and len(flux.shape) == 1
    per_frequency = is_per_frequency(flux.header.get("BUNIT") or "nJy", f"{path}[FLUX]: BUNIT")
    catalogue, number = (
        [target.header[key]] if single else fits_meta.table_column(target, key) for key in ("CATID", "OBJID")
    )
    ids = [f"{cat}:{obj}" for cat, obj in zip(catalogue, number, strict=True)]
    star_id = star_ids(path, len(ids), ids)
    each = fits_meta.numbers(path, len(ids), [target], [target.header, hdus[0].header], asked)
    n_pixels = _rows(flux, 0, 1, single)[0].size
    for lo, hi in row_blocks(len(ids), n_pixels, rows):
        spectra = [_rows(hdus[name], lo, hi, single) for name in ("FLUX", "COVAR", "MASK")]
        bits = _bad_bits(hdus, lo, hi, single)
        wave = _wavelengths(path, hdus, lo, hi, single)
        for part, arrays in groups(wave, *spectra):
            about = {name: values[lo:hi][part] for name, values in each.items()}
            about |= {"medium": "vacuum", "per_frequency": per_frequency}
            if problem := unequal(("WAVELENGTH", "FLUX", "COVAR", "MASK"), arrays):
                yield without_pixels(star_id[lo:hi][part], problem, **about)
                continue
            nm, its_flux, variance, mask = arrays
            yield raw(
                star_id[lo:hi][part],
                in_angstrom(nm, "nm", f"{path}[WAVELENGTH]"),
                its_flux,
                to_error(variance, 2),
                mask.astype(np.int64) & bits[part, None] != 0,
                shared=single,
                **about,
            )


def _rows(hdu, lo, hi, single):
    """Rows of a component, an image or a table with arrays of any length; of COVAR the first, the diagonal."""
    if not isinstance(hdu, IMAGES):
        return hdu.data[lo:hi].field(0)
    if single:
        return np.atleast_2d(hdu.data)[:1]
    part = hdu.section[lo:hi]
    return part[:, 0] if part.ndim == 3 else part


def _wavelengths(path, hdus, lo, hi, single):
    """Wavelengths in nm, a row a spectrum."""
    if "WAVELENGTH" not in hdus:
        header, n_pixels = hdus["FLUX"].header.copy(), hdus["FLUX"].shape[-1]
        if header.get("CRPIX1") == n_pixels / 2 + 1.5:
            # pfs.datamodel's WavelengthArray writes the middle of the spectrum one pixel too far, and reads it back so
            header["CRPIX1"] -= 1
        wave = fits_meta.axis_wavelengths(header, n_pixels, f"{path}[FLUX]", unit="nm") / 10
    elif isinstance(hdus["WAVELENGTH"], IMAGES) and len(hdus["WAVELENGTH"].shape) == 1:
        wave = np.asarray(hdus["WAVELENGTH"].data, dtype=np.float64)
    else:
        return _rows(hdus["WAVELENGTH"], lo, hi, single)
    return np.broadcast_to(wave, (hi - lo, len(wave)))


def _bad_bits(hdus, lo, hi, single):
    """Mask bits (hi - lo,) int64 that mark a bad pixel; all bits where the file does not name them."""
    if single:
        header = hdus["MASK"].header
        return np.array([_bits({key[3:]: header[key] for key in header if key.startswith("MP_")})])
    if "METADATA" not in hdus:
        return np.full(hi - lo, -1)
    # YAML, a keyword a line; as bytes, because astropy strips the ends of lines from characters
    texts = (text.astype("S").tobytes().decode("ascii") for text in hdus["METADATA"].data[lo:hi]["metadata"])
    return np.array([_bits(dict(re.findall(r"^(?:HIERARCH )?MP_(\w+): (\d+)$", text, re.M))) for text in texts])


def _bits(planes: Mapping[str, int | str]) -> int:
    bad = [int(bit) for name, bit in planes.items() if name.startswith("BAD") or name in BAD_PLANES]
    return sum(1 << bit for bit in bad) if planes else -1
