"""Spectra in FITS binary tables: a row a pixel (one spectrum), or a row a spectrum."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import fits_meta, names
from gravispec.observed.raw import Raw, groups, raw, row_blocks
from gravispec.observed.units import error_factor, in_angstrom, is_per_frequency


class Columns:
    """The columns of a table by what they mean, with their units checked."""

    def __init__(self, path: Path, hdus: fits.HDUList, index: int):
        hdu = hdus[index]
        units = {column.name: column.unit for column in hdu.columns}
        self.where = f"{path}[{index}]"
        self.flux = names.find(units, names.FLUX)
        self.error, self.power = names.find_error(units, self.where)
        self.mask = names.find(units, names.MASK)
        self.wave = names.find(units, names.WAVE + names.LOG_WAVE)
        if self.wave is None:
            raise InputError(f"{self.where} has no wavelengths; a column wave or loglam is needed")
        self.is_log = self.wave.lower() in names.LOG_WAVE
        self.wave_unit = "Angstrom" if self.is_log else units[self.wave]
        flux_unit = units[self.flux] or hdu.header.get("BUNIT") or hdus[0].header.get("BUNIT")
        self.per_frequency = is_per_frequency(flux_unit, f"{self.where}: column {self.flux}")
        where = f"{self.where}: column {self.error}"
        self.factor = error_factor(units[self.error], flux_unit, where, power=self.power)
        self.medium = fits_meta.medium(hdu.header, hdus[0].header)

    def spectra(self, data: fits.FITS_rec, star_id, velocity) -> Iterator[Raw]:
        """`Raw` of the rows `data`: pixels of one spectrum, or spectra, which may have different numbers of pixels."""
        columns = [data[name] for name in (self.wave, self.flux, self.error, self.mask) if name]
        if columns[1].ndim == 1 and columns[1].dtype != object:
            columns = [column[None] for column in columns]
        for rows, (wave, flux, error, *mask) in groups(*columns):
            wave = np.asarray(wave, dtype=np.float64)
            yield raw(
                star_id[rows],
                in_angstrom(10**wave if self.is_log else wave, self.wave_unit, f"{self.where}: column {self.wave}"),
                flux,
                names.to_error(error * self.factor, self.power),
                mask[0] != 0 if mask else None,
                velocity=velocity[rows],
                medium=self.medium,
                per_frequency=self.per_frequency,
            )


def read(path: Path, hdus: fits.HDUList, index: int, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of the table HDU `index`, at most `rows` at a time; `velocity` names the column of velocities."""
    columns, hdu = Columns(path, hdus, index), hdus[index]
    n_rows, headers = hdu.header["NAXIS2"], [hdu.header, hdus[0].header]
    if not n_rows:
        raise InputError(f"{columns.where} has no rows")
    first = fits_meta.table_rows(hdu, 0, 1)[columns.flux]
    is_pixel = first.ndim == 1 and first.dtype != object
    n, tables = (1, []) if is_pixel else (n_rows, [hdu])
    star_id = fits_meta.identifiers(path, n, tables, headers)
    speed = fits_meta.velocities(path, n, tables, headers, velocity)
    if is_pixel:
        yield from columns.spectra(fits_meta.table_rows(hdu, 0, n_rows), star_id, speed)
        return
    for lo, hi in row_blocks(n, len(first[0]), rows):
        yield from columns.spectra(fits_meta.table_rows(hdu, lo, hi), star_id[lo:hi], speed[lo:hi])
