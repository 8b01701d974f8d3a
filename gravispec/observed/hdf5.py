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
        masks = [file[layout.mask].shape] if layout.mask else []
        fit = wave.shape in (shape, shape[-1:]) and all(other == shape for other in (error.shape, *masks))
        if flux.ndim not in (1, 2) or not flux.size or not fit:
            raise InputError(
                f"{path}: shapes do not fit: {layout.wave} {wave.shape}, {layout.flux} {shape}, {layout.error} "
                f"{error.shape}{''.join(f', {layout.mask} {m}' for m in masks)}; (P,) or (N, P) are needed, the same "
                "for all but the wavelengths"
            )
        n, n_pixels = (1, *shape)[-2:]
        stars = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        star_id = star_ids(path, n, None if is_pfsspec else _strings(path, n, stars))
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
    medium = names.medium(_attribute(arrays[wave], "medium") or _attribute(file, "medium"))
    return Layout(wave, flux, error, power, mask, _unit(arrays[wave]), _unit(arrays[flux]), medium)


def _attribute(item, *aliases):
    """Text of an attribute, whatever its type: bytes, a number, an array of one; None if there is none."""
    name = names.find(item.attrs, aliases)
    value = None if name is None else item.attrs[name]
    if value is None or isinstance(value, h5py.Empty):
        return None
    values = np.asarray(value, dtype=object).ravel()
    if len(values) != 1:
        raise InputError(f"{item.file.filename}: attribute {name} of {item.name} has {len(values)} values; give one")
    return values[0].decode(errors="replace") if isinstance(values[0], bytes) else str(values[0])


def _unit(array):
    return _attribute(array, "unit", "units")


def _strings(path, n, stars):
    name = names.find(stars, names.STAR_ID)
    if name is None:
        return None
    if stars[name].dtype.kind not in "iuS" and h5py.check_string_dtype(stars[name].dtype) is None:
        raise InputError(f"{path}: {name} has the type {stars[name].dtype}; integers or strings are needed")
    return _one_each(path, n, name, stars[name])


def _one_each(path, n, name, column):
    """Values (n,) of a data set or column."""
    if column.size != n:
        raise InputError(
            f"{path}: {name} has the shape {column.shape} for {n} spectra; give one each, or another name if it is "
            "something else"
        )
    return np.reshape(column[()], n)


def _velocities(path, n, columns, name):
    """Velocities (n,), km/s: a column, or from the column redshift; 0 without either."""
    column = names.find(columns, (name.lower(),) if name else (*names.VELOCITY, "redshift"))
    if column is None:
        if name:
            raise InputError(f"{path}: has no column {name!r} with the velocities of its spectra; check the name")
        return np.zeros(n)
    unit = _unit(columns[column]) if isinstance(columns[column], h5py.Dataset) else None
    is_redshift = column.lower() == "redshift"
    values = in_km_s(_one_each(path, n, column, columns[column]), None if is_redshift else unit, f"{path}: {column}")
    if is_redshift:
        ratio = np.square(1 + values)
        return (ratio - 1) / (ratio + 1) * c / 1e3
    return values
