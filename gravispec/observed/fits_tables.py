"""Spectra in FITS binary tables: a row a pixel (one spectrum), or a row a spectrum."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import fits_meta, names
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw, groups, raw, row_blocks, unequal, without_pixels
from gravispec.observed.units import error_factor, in_angstrom, is_per_frequency


class Columns:
    """The columns of a table by what they mean, with their units checked."""

    def __init__(self, path: Path, hdus: fits.HDUList, index: int, asked: Asked):
        hdu = hdus[index]
        units = fits_meta.units(hdu)
        self.hdu, self.where = hdu, f"{path}[{index}]"
        self.flux = names.find(units, names.FLUX)
        self.error, self.power = names.find_error(units, self.where, needed=not asked.without_errors)
        self.mask = names.find(units, names.MASK)
        self.wave = names.find(units, names.WAVE + names.LOG_WAVE)
        if self.wave is None:
            raise InputError(f"{self.where} has no wavelengths; a column wave or loglam is needed")
        self.is_log = self.wave.lower() in names.LOG_WAVE
        self.wave_unit = "Angstrom" if self.is_log else units[self.wave]
        stated = [units[self.flux], *(fits_meta.text(h.header.get("BUNIT")) for h in (hdu, hdus[0]))]
        # a blank unit is one without dimension, unless another place says more
        flux_unit = next(filter(None, stated), "" if "" in stated else None)
        self.per_frequency = is_per_frequency(flux_unit, f"{self.where}: column {self.flux}")
        where = f"{self.where}: column {self.error}"
        self.factor = error_factor(units[self.error], flux_unit, where, power=self.power) if self.error else 1.0
        self.medium = fits_meta.medium(hdu.header, hdus[0].header)

    def spectra(self, data: fits.FITS_rec, star_id, each) -> Iterator[Raw]:
        """`Raw` of the rows `data`: pixels of one spectrum, or spectra, which may have different numbers of pixels.

        `each`: {name: (n,)} of these spectra.
        """
        present = [name for name in (self.wave, self.flux, self.error, self.mask) if name]
        columns = [fits_meta.column_of(self.hdu, name, data) for name in present]
        is_pixel = columns[1].ndim == 1 and columns[1].dtype != object
        if is_pixel:
            columns = [column[None] for column in columns]
        for rows, (wave, flux, *more) in groups(*columns):
            about = {name: values[rows] for name, values in each.items()}
            about |= {"medium": self.medium, "per_frequency": self.per_frequency}
            if problem := unequal(present, (wave, flux, *more)):
                yield without_pixels(star_id[rows], problem, **about)
                continue
            wave = np.asarray(wave, dtype=np.float64)
            error = names.to_error(more.pop(0) * self.factor, self.power) if self.error else None
            yield raw(
                star_id[rows],
                in_angstrom(10**wave if self.is_log else wave, self.wave_unit, f"{self.where}: column {self.wave}"),
                flux,
                error,
                more[0] != 0 if self.mask else None,
                shared=is_pixel,
                **about,
            )

    def check(self, row: fits.FITS_rec) -> None:
        """InputError if columns in the first `row` are no numbers, or differ in shape where all rows have one."""
        present = {name: row[name] for name in (self.wave, self.flux, self.error, self.mask) if name}
        for name, values in present.items():
            if values.dtype != object and values.dtype.kind not in "fiub":
                raise InputError(f"{self.where}: column {name} has no numbers; numbers are needed")
        shapes = {name: values.shape[1:] for name, values in present.items() if values.dtype != object}
        if len(set(shapes.values())) > 1 or any(len(shape) > 1 for shape in shapes.values()):
            raise InputError(
                f"{self.where}: shapes of a row do not fit: {', '.join(f'{n} {s}' for n, s in shapes.items())}; give "
                "every row arrays of one length, or one number"
            )


def read(path: Path, hdus: fits.HDUList, index: int, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of the table HDU `index`, at most `rows` at a time; `asked`: what else is read."""
    columns, hdu = Columns(path, hdus, index, asked), hdus[index]
    n_rows, headers = hdu.header["NAXIS2"], [hdu.header, hdus[0].header]
    if not n_rows:
        raise InputError(f"{columns.where} has no rows; give one a spectrum, or one a pixel")
    row = fits_meta.table_rows(hdu, 0, 1)
    columns.check(row)
    first = row[columns.flux]
    is_pixel = first.ndim == 1 and first.dtype != object
    n, tables = (1, []) if is_pixel else (n_rows, [hdu])
    star_id = fits_meta.identifiers(path, n, tables, headers)
    each = fits_meta.numbers(path, n, tables, headers, asked)
    if is_pixel:
        yield from columns.spectra(fits_meta.table_rows(hdu, 0, n_rows), star_id, each)
        return
    for lo, hi in row_blocks(n, len(first[0]), rows):
        part = {name: values[lo:hi] for name, values in each.items()}
        yield from columns.spectra(fits_meta.table_rows(hdu, lo, hi), star_id[lo:hi], part)
