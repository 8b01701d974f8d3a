"""What the headers of FITS files say about spectra."""

from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.observed import names
from gravispec.observed.units import in_km_s


def declared_medium(*headers: fits.Header) -> str | None:
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


def header_name(path: Path, *headers: fits.Header) -> str:
    """Identifier of a file's only spectrum: OBJID or OBJECT of a header, else the name of the file."""
    found = (str(header.get(key, "")).strip() for header in headers for key in ("OBJID", "OBJECT"))
    return next(filter(None, found), path.stem)


def header_velocity(name: str | None, *headers: fits.Header) -> np.ndarray:
    """Radial velocity (1,) km/s from the keyword `name`, or the usual ones; NaN where there is none."""
    for header in headers:
        key = name if name in header else names.find(header, names.VELOCITY)
        if key is not None:
            return in_km_s(np.array([header[key]]), None, f"keyword {key}")
    return np.array([np.nan])
