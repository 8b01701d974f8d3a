"""Spectra in FITS binary tables: a row a pixel, or a row a spectrum."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError
from gravispec.observed import names
from gravispec.observed.fits_common import declared_medium, header_name, header_velocity
from gravispec.observed.raw import Raw, raw, row_blocks, star_ids
from gravispec.observed.units import error_factor, in_angstrom, in_km_s, is_per_frequency


class Columns:
    """The columns of a table HDU by what they mean, with their units checked."""

    def __init__(self, path: Path, hdus: fits.HDUList, index: int, velocity: str | None):
        hdu = hdus[index]
        self.path, self.index, self.where = path, index, f"{path}[{index}]"
        self.units = {column.name: column.unit for column in hdu.columns}
        self.flux = names.find(self.units, names.FLUX)
        self.error, self.power = names.find_error(self.units, self.where)
        self.mask = names.find(self.units, names.MASK)
        self.wave = names.find(self.units, names.WAVE)
        self.log_wave = names.find(self.units, names.LOG_WAVE)
        self.star_id = names.find(self.units, names.STAR_ID)
        if velocity and velocity not in self.units and velocity not in hdu.header:
            raise InputError(
                f"{self.where}: has no column {velocity!r} with velocities; found: {', '.join(self.units)}"
            )
        self.velocity = velocity if velocity in self.units else names.find(self.units, names.VELOCITY)
        if not (self.wave or self.log_wave):
            raise InputError(f"{self.where}: has no wavelengths; a column wave or loglam is needed")
        flux_unit = self.units[self.flux] or hdu.header.get("BUNIT") or hdus[0].header.get("BUNIT")
        self.per_frequency = is_per_frequency(flux_unit, f"{self.where}: column {self.flux}")
        self.factor = error_factor(
            self.units[self.error], flux_unit, f"{self.where}: column {self.error}", power=self.power
        )
        self.medium = declared_medium(hdu.header, hdus[0].header)

    def spectra(self, data, star_id, velocity) -> Raw:
        """`Raw` of the rows `data`, which are pixels or spectra."""
        wave_name = self.wave or self.log_wave
        wave = np.asarray(data[wave_name], dtype=np.float64)
        if self.wave:
            wave = in_angstrom(wave, self.units[wave_name], f"{self.where}: column {wave_name}")
        else:
            wave = 10**wave
        return raw(
            star_id,
            wave,
            data[self.flux],
            names.to_error(data[self.error] * self.factor, self.power),
            data[self.mask] != 0 if self.mask else None,
            velocity=velocity,
            medium=self.medium,
            per_frequency=self.per_frequency,
        )


def read(path: Path, index: int, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of the table HDU `index`, at most `rows` at a time; `velocity` names the column of velocities, km/s."""
    with fits.open(path) as hdus:
        hdu = hdus[index]
        columns = Columns(path, hdus, index, velocity)
        n, flux = len(hdu.data), hdu.columns[columns.flux]
        if not n:
            raise InputError(f"{columns.where}: the table is empty")
        array = np.ndim(hdu.data[:1][columns.flux]) > 1 or flux.format.lstrip("0123456789")[0] in "PQ"
        if not array:
            star_id = header_name(path, hdu.header, hdus[0].header)
            yield columns.spectra(hdu.data, star_id, header_velocity(velocity, hdu.header, hdus[0].header))
            return
        ids = star_ids(path, n, hdu.data[columns.star_id] if columns.star_id else None)
        speeds = np.full(n, np.nan)
        if columns.velocity:
            where = f"{columns.where}: column {columns.velocity}"
            speeds = in_km_s(hdu.data[columns.velocity], columns.units[columns.velocity], where)
        ragged = hdu.data[:1][columns.flux].dtype == object
        n_pixels = 1 if ragged else hdu.data[:1][columns.flux].shape[1]
    for lo, hi in row_blocks(n, n_pixels, 1 if ragged else rows):
        with fits.open(path) as hdus:  # opened for each batch: pages of the map that were read do not stay in memory
            data = hdus[index].data[lo:hi]
            yield columns.spectra(data[0] if ragged else data, ids[lo:hi], speeds[lo:hi])
