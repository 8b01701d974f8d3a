"""Spectra in HDF5: the pfsspec layout of data sets, or wave, flux and error at the top level."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from scipy.constants import c

from gravispec.data import pfsspec
from gravispec.errors import InputError
from gravispec.observed import names
from gravispec.observed.raw import Raw, raw, row_blocks, star_ids
from gravispec.observed.units import error_factor, in_angstrom, in_km_s, is_per_frequency


@dataclass(frozen=True)
class Layout:
    """Names of the data sets, and what they hold."""

    wave: str
    flux: str
    error: str
    power: int  # of the error that `error` is: 1, 2 variance, -2 inverse variance
    mask: str | None
    wave_unit: str | None
    flux_unit: str | None
    medium: str | None


def read(path: Path, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time."""
    with h5py.File(path, "r") as file:
        is_pfsspec = "dataset/arrays" in file or pfsspec.WAVE in file
        layout = _pfsspec(path, file) if is_pfsspec else _plain(path, file)
        for name in filter(None, (layout.wave, layout.flux, layout.error, layout.mask)):
            if file[name].dtype.kind not in "fiub":
                raise InputError(f"{path}: {name} has the type {file[name].dtype}; numbers are needed")
        flux, error = file[layout.flux], file[layout.error]
        per_frequency = is_per_frequency(layout.flux_unit, f"{path}: {layout.flux}")
        factor = error_factor(_unit(error), layout.flux_unit, f"{path}: {layout.error}", power=layout.power)
        wave = file[layout.wave]
        shape = flux.shape
        if flux.ndim not in (1, 2) or not flux.size or error.shape != shape or wave.shape not in (shape, shape[-1:]):
            raise InputError(
                f"{path}: shapes do not fit: {layout.wave} {wave.shape}, {layout.flux} {shape}, {layout.error} "
                f"{error.shape}; (P,) or (N, P) are needed, the same for flux and error"
            )
        n, n_pixels = (1, *shape)[-2:]
        stars = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset) and item.shape == (n,)}
        star_id = star_ids(path, n, None if is_pfsspec else _strings(path, stars))
        speed = _velocities(path, n, pfsspec.numeric_columns(file) if is_pfsspec else stars, velocity)
        for lo, hi in row_blocks(n, n_pixels, rows):
            part = slice(lo, hi) if len(shape) == 2 else slice(None)
            yield raw(
                star_id[lo:hi],
                in_angstrom(wave[part if wave.ndim == 2 else ()], layout.wave_unit, f"{path}: {layout.wave}"),
                flux[part],
                names.to_error(error[part] * factor, layout.power),
                file[layout.mask][part] != 0 if layout.mask else None,
                velocity=speed[lo:hi],
                medium=layout.medium,
                per_frequency=per_frequency,
            )


def _pfsspec(path, file):
    for name in (pfsspec.WAVE, pfsspec.FLUX, pfsspec.ERROR):
        if not isinstance(file.get(name), h5py.Dataset):
            raise InputError(f"{path}: data set {name!r} is missing; the layout is described in the README")
    return Layout(pfsspec.WAVE, pfsspec.FLUX, pfsspec.ERROR, 1, None, "Angstrom", "1", "vacuum")


def _plain(path, file):
    arrays = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
    wave, flux = names.find(arrays, names.WAVE), names.find(arrays, names.FLUX)
    if wave is None or flux is None:
        found = ", ".join(arrays) or "none"
        raise InputError(f"{path}: data sets wave and flux are needed at the top level; found: {found}")
    error, power = names.find_error(arrays, str(path))
    mask = names.find(arrays, names.MASK)
    medium = arrays[wave].attrs.get("medium", file.attrs.get("medium"))
    medium = medium.decode() if isinstance(medium, bytes) else medium
    return Layout(wave, flux, error, power, mask, _unit(arrays[wave]), _unit(arrays[flux]), medium)


def _unit(array):
    text = array.attrs.get("unit", array.attrs.get("units"))
    return text.decode() if isinstance(text, bytes) else text


def _strings(path, stars):
    name = names.find(stars, names.STAR_ID)
    if name is None:
        return None
    if stars[name].dtype.kind not in "iuS" and h5py.check_string_dtype(stars[name].dtype) is None:
        raise InputError(f"{path}: {name} has the type {stars[name].dtype}; integers or strings are needed")
    return stars[name][:]


def _velocities(path, n, columns, name):
    """Velocities (n,), km/s, NaN where there are none: a column, or from the column redshift."""
    column = names.find(columns, (name.lower(),) if name else (*names.VELOCITY, "redshift"))
    if column is None:
        if name:
            raise InputError(f"{path}: has no column {name!r} with the velocities of its spectra; check the name")
        return np.full(n, np.nan)
    values = np.asarray(columns[column][:], dtype=np.float64)
    if column.lower() == "redshift":
        ratio = np.square(1 + values)
        return (ratio - 1) / (ratio + 1) * c / 1e3
    return in_km_s(values, _unit(columns[column]) if isinstance(columns[column], h5py.Dataset) else None, column)
