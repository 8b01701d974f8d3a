"""Spectra that are known exactly, and files of all accepted kinds with them, written as their makers write them."""

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from scipy.special import erf

from gravispec.errors import InputError
from gravispec.observed.read import prepared_batches
from gravispec.spectra.instrument import pixel_edges

WAVE = 8300 + 0.5 * np.arange(800)  # Å, vacuum: the model's pixels
LINES = ((8350.0, 0.5), (8500.4, 0.7), (8544.4, 0.6), (8600.0, 0.3), (8664.5, 0.6))  # Å, depth
SIGMA = 1.2  # Å


def pixel_means(wave, *, slope=2e-4):
    """Mean f_λ in the pixels `wave` (P,), rest-frame vacuum Å: a sloping continuum with Gaussian lines, integrated."""
    edges = pixel_edges(wave)

    def integral(x):
        total = x + slope * np.square(x - 8500) / 2
        for centre, depth in LINES:
            total = total - depth * SIGMA * np.sqrt(np.pi / 2) * erf((x - centre) / (SIGMA * np.sqrt(2)))
        return total

    return np.diff(integral(edges)) / np.diff(edges)


SPECTRUM = pixel_means(WAVE)
ERRORS = np.full(len(WAVE), 0.02)
FLAM = "erg / (s cm2 Angstrom)"


def refused(path, message, **options):
    """Assert that reading `path` fails with one line that names it and matches `message`."""
    with pytest.raises(InputError, match=message) as error:
        list(prepared_batches(path, WAVE, **options))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def f_nu(wave, flux):
    """nJy for `flux` in 1e-17 erg/s/cm²/Å at `wave` in Å: f_ν = f_λ λ² / c."""
    return flux * 1e-17 * wave**2 / 2.99792458e18 / 1e-32


def pfs_object(path, wave, flux, error, *, mask=None, obj_id=42, axis="pfs.datamodel"):
    """One pfsObject file; `wave` (Q,) Å, equidistant, or without `axis`; flux in 1e-17 erg/s/cm²/Å."""
    header = fits.Header({"DAMD_VER": 2})
    if axis:  # as pfs.datamodel.WavelengthArray.toFitsHeader: the last number counts from 2
        n, step = len(wave), (wave[-1] - wave[0]) / (len(wave) - 1)
        wcs = WCS(naxis=1)
        wcs.wcs.ctype, wcs.wcs.cunit, wcs.wcs.crval, wcs.wcs.cdelt = ["WAVE"], ["nm"], [wave.mean() / 10], [step / 10]
        wcs.wcs.crpix = [n / 2 + (1.5 if axis == "pfs.datamodel" else 0.5)]
        header.extend(wcs.to_header())
    planes = fits.Header({"MP_BAD": 0, "MP_CR": 3, "HIERARCH MP_DETECTED": 5, "HIERARCH MP_BAD_SKY": 9})
    planes.extend(header)
    covar = np.stack([f_nu(wave, error) ** 2, np.zeros_like(wave), np.zeros_like(wave)])
    target = fits.BinTableHDU.from_columns([fits.Column("filterName", "5A", array=["i2_hsc"])], name="TARGET")
    target.header.update(CATID=7, TRACT=0, PATCH="0,0", OBJID=obj_id)
    hdus = [
        fits.PrimaryHDU(),
        fits.ImageHDU(f_nu(wave, flux).astype("f4"), header=header, name="FLUX"),
        fits.ImageHDU(np.zeros(len(wave), "i4") if mask is None else mask, header=planes, name="MASK"),
        target,
        fits.ImageHDU(covar.astype("f4"), header=header, name="COVAR"),
    ]
    if not axis:
        hdus.append(fits.ImageHDU(wave / 10, name="WAVELENGTH"))
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def pfs_coadd(path, waves, fluxes, errors, *, masks=None, obj_ids=None):
    """A pfsCoadd file as PfsTargetSpectra.writeFits writes it: images where lengths agree, else tables of arrays."""
    n, same = len(fluxes), len({len(w) for w in waves}) == 1
    obj_ids = np.arange(n) + 100 if obj_ids is None else obj_ids
    masks = [np.zeros(len(w), "i4") for w in waves] if masks is None else masks
    nu = [f_nu(w, f).astype("f4") for w, f in zip(waves, fluxes, strict=True)]
    variance = [f_nu(w, e).astype("f4") ** 2 for w, e in zip(waves, errors, strict=True)]

    def ragged(code, arrays, name):
        columns = [fits.Column(key, f"P{code}()", array=np.array(a, dtype=object)) for key, a in arrays.items()]
        return fits.BinTableHDU.from_columns(columns, name=name)

    def objects(arrays):
        out = np.empty(len(arrays), dtype=object)
        out[:] = arrays
        return out

    def component(code, arrays, name, kind):
        if same:
            return kind(np.stack(arrays), name=name)
        return fits.BinTableHDU.from_columns([fits.Column("value", f"P{code}()", array=objects(arrays))], name=name)

    target = fits.BinTableHDU.from_columns(
        [
            fits.Column("targetId", "I", array=np.arange(n)),
            fits.Column("catId", "J", array=np.full(n, 7)),
            fits.Column("objId", "K", array=obj_ids),
        ],
        name="TARGET",
    )
    rows = [fits.Column(f"row_{i}", "PE()", array=objects(variance)) for i in range(3)]
    text = "DAMD_VER: 2\nMP_BAD: 0\nMP_CR: 3\nMP_DETECTED: 5\nMP_BAD_SKY: 9\n"
    metadata = [fits.Column("targetId", "I", array=np.arange(n)), fits.Column("metadata", "PA()", array=[text] * n)]
    if same and all((w == waves[0]).all() for w in waves):
        wavelength = fits.ImageHDU(waves[0] / 10, name="WAVELENGTH")
    else:
        wavelength = component("D", [w / 10 for w in waves], "WAVELENGTH", fits.ImageHDU)
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            target,
            wavelength,
            component("E", nu, "FLUX", fits.ImageHDU),
            component("J", masks, "MASK", fits.CompImageHDU),
            fits.BinTableHDU.from_columns(rows, name="COVAR"),
            fits.BinTableHDU.from_columns(metadata, name="METADATA"),
        ]
    ).writeto(path, overwrite=True)
    return path


def table(path, columns, *, units, **keywords):
    """A FITS table with `columns` {name: array}, `units` {name: unit} and header `keywords`."""
    made = Table(columns)
    hdu = fits.BinTableHDU(made)
    for i, name in enumerate(made.colnames, start=1):
        if name in units:
            hdu.header[f"TUNIT{i}"] = units[name]
    hdu.header.update(keywords)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
    return path


def images(path, arrays, *, keywords, primary=None):
    """A FITS file with image extensions `arrays` {name: array}, each with its `keywords` {name: {...}}."""
    hdus = [fits.PrimaryHDU(header=fits.Header(primary or {}))]
    hdus += [fits.ImageHDU(a, header=fits.Header(keywords.get(name, {})), name=name) for name, a in arrays.items()]
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def plain_hdf5(
    path, wave, flux, error, *, unit="Angstrom", flux_unit="erg / (s cm2 Angstrom)", medium="vacuum", **more
):
    """wave, flux and error at the top level of an HDF5 file, with units as attributes where they are not None."""
    with h5py.File(path, "w") as file:
        file["wave"], file["flux"], file["error"] = wave, flux, error
        for name, value in more.items():
            file[name] = value
        for name, attribute, value in (("wave", "unit", unit), ("wave", "medium", medium), ("flux", "unit", flux_unit)):
            if value is not None:
                file[name].attrs[attribute] = value
    return path
