"""Spectra in FITS images: one a file, or one a row, with the errors in a second image of the same shape."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import fits_meta, names
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw, raw, row_blocks
from gravispec.observed.units import error_factor, in_angstrom, is_per_frequency

IMAGES = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)


def read(path: Path, hdus: fits.HDUList, index: int, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of the image HDU `index`, (P,) or (N, P), at most `rows` at a time."""
    hdu, where = hdus[index], f"{path}[{index}]"
    shape, headers = hdu.shape, [hdu.header, hdus[0].header]
    if len(shape) > 2 or not all(shape):
        raise InputError(f"{where} is an image of shape {shape}; spectra are one row, or one row each")
    n, n_pixels = (1, *shape)[-2:]
    images = {h.name: h.shape for h in hdus if isinstance(h, IMAGES) and h.shape}
    same = [name for name, its_shape in images.items() if its_shape == shape]
    error, power = names.find_error(same, where, needed=not asked.without_errors)
    flux_unit = fits_meta.text(hdu.header.get("BUNIT"))
    per_frequency = is_per_frequency(flux_unit, f"{where}: BUNIT")
    unit = fits_meta.text(hdus[error].header.get("BUNIT")) if error else None
    factor = error_factor(unit, flux_unit, f"{path}[{error}]", power=power)
    mask = names.find(images, names.MASK)
    if mask and mask not in same:
        raise InputError(f"{path}[{mask}] has the shape {images[mask]}, the flux {shape}; give them the same")
    fitting = [name for name, its_shape in images.items() if its_shape in ((n_pixels,), shape)]
    wave = names.find(fitting, names.WAVE + names.LOG_WAVE)
    tables = [h for h in hdus if isinstance(h, fits.BinTableHDU) and not isinstance(h, fits.CompImageHDU)]
    star_id = fits_meta.identifiers(path, n, tables, headers)
    each = fits_meta.numbers(path, n, tables, headers, asked)
    declared = fits_meta.medium(*headers, *(hdus[name].header for name in images))
    for lo, hi in row_blocks(n, n_pixels, rows):
        yield raw(
            star_id[lo:hi],
            _wavelengths(path, hdus, wave, lo, hi) if wave else fits_meta.axis_wavelengths(hdu.header, n_pixels, where),
            _rows(hdu, lo, hi),
            names.to_error(_rows(hdus[error], lo, hi) * factor, power) if error else None,
            _rows(hdus[mask], lo, hi) != 0 if mask else None,
            medium=declared,
            per_frequency=per_frequency,
            **{name: values[lo:hi] for name, values in each.items()},
        )


def _rows(hdu, lo, hi):
    return hdu.data if len(hdu.shape) == 1 else hdu.section[lo:hi]


def _wavelengths(path, hdus, name, lo, hi):
    """Å, (P,) or (hi - lo, P), of the image `name`."""
    wave = np.asarray(_rows(hdus[name], lo, hi), dtype=np.float64)
    if name.lower() in names.LOG_WAVE:
        return 10**wave
    return in_angstrom(wave, fits_meta.text(hdus[name].header.get("BUNIT")), f"{path}[{name}]: BUNIT")
