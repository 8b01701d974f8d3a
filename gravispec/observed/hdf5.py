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
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw, raw, row_blocks, star_ids
from gravispec.observed.units import error_factor, in_angstrom, in_km_s, is_per_frequency, width_in_angstrom


@dataclass(frozen=True)
class Layout:
    """Names of the data sets, and what they hold."""

    wave: str
    flux: str
    error: str | None
    power: int  # of the error that `error` is: 1, 2 variance, -2 inverse variance
    mask: str | None
    wave_unit: str | None
    flux_unit: str | None
    medium: str | None


def read(path: Path, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time."""
    with h5py.File(path, "r") as file:
        is_pfsspec = "dataset/arrays" in file or pfsspec.WAVE in file
        layout = _pfsspec(path, file) if is_pfsspec else _plain(path, file, asked)
        for name in filter(None, (layout.wave, layout.flux, layout.error, layout.mask)):
            if file[name].dtype.kind not in "fiub":
                raise InputError(f"{path}: {name} has the type {file[name].dtype}; numbers are needed")
        flux, error = file[layout.flux], file[layout.error] if layout.error else None
        per_frequency = is_per_frequency(layout.flux_unit, f"{path}: {layout.flux}")
        unit = _unit(error) if layout.error else None
        factor = error_factor(unit, layout.flux_unit, f"{path}: {layout.error}", power=layout.power)
        wave = file[layout.wave]
        shape = flux.shape
        others = {name: file[name].shape for name in (layout.error, layout.mask) if name}
        fit = wave.shape in (shape, shape[-1:]) and all(other == shape for other in others.values())
        if flux.ndim not in (1, 2) or not flux.size or not fit:
            raise InputError(
                f"{path}: shapes do not fit: {layout.wave} {wave.shape}, {layout.flux} {shape}"
                f"{''.join(f', {name} {other}' for name, other in others.items())}; (P,) or (N, P) are needed, the "
                "same for all but the wavelengths"
            )
        n, n_pixels = (1, *shape)[-2:]
        stars = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
        star_id = star_ids(path, n, None if is_pfsspec else _strings(path, n, stars))
        each = _numbers(path, n, pfsspec.numeric_columns(file) if is_pfsspec else stars, asked)
        for lo, hi in row_blocks(n, n_pixels, rows):
            part = slice(lo, hi) if len(shape) == 2 else slice(None)
            yield raw(
                star_id[lo:hi],
                in_angstrom(wave[part if wave.ndim == 2 else ()], layout.wave_unit, f"{path}: {layout.wave}"),
                flux[part],
                names.to_error(error[part] * factor, layout.power) if layout.error else None,
                file[layout.mask][part] != 0 if layout.mask else None,
                medium=layout.medium,
                per_frequency=per_frequency,
                **{name: values[lo:hi] for name, values in each.items()},
            )


def _pfsspec(path, file):
    for name in (pfsspec.WAVE, pfsspec.FLUX, pfsspec.ERROR):
        if not isinstance(file.get(name), h5py.Dataset):
            raise InputError(f"{path}: data set {name!r} is missing; the layout is described in the README")
    return Layout(pfsspec.WAVE, pfsspec.FLUX, pfsspec.ERROR, 1, None, "Angstrom", "1", "vacuum")


def _plain(path, file, asked):
    arrays = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
    wave, flux = names.find(arrays, names.WAVE), names.find(arrays, names.FLUX)
    if wave is None or flux is None:
        found = ", ".join(arrays) or "none"
        raise InputError(f"{path}: data sets wave and flux are needed at the top level; found: {found}")
    error, power = names.find_error(arrays, str(path), needed=not asked.without_errors)
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


def _numbers(path, n, columns, asked):
    """`velocity`, km/s, `width` and `snr` of each spectrum (n,), of what the file has and is `asked` for."""

    def of(what, name, usual=(), convert=names.as_numbers):
        column = names.find(columns, (name.lower(),) if name else usual)
        if column is None and name:
            what = names.SAID[what]
            raise InputError(f"{path}: has no column {name!r} with the {what} of its spectra; check the name")
        if column is None:
            return {}
        unit = _unit(columns[column]) if isinstance(columns[column], h5py.Dataset) else None
        values = _one_each(path, n, column, columns[column])
        if what == "velocity" and column.lower() == "redshift":
            ratio = np.square(1 + names.as_numbers(values, None, f"{path}: {column}"))
            return {what: (ratio - 1) / (ratio + 1) * c / 1e3}
        return {what: convert(values, unit, f"{path}: {column}")}

    found = of("velocity", asked.velocity, (*names.VELOCITY, "redshift"), in_km_s) | of("snr", asked.snr)
    return found | of("width", asked.R) | of("width", asked.fwhm, convert=width_in_angstrom)
