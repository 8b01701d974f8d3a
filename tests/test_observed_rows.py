"""One bad row of a file with a row a spectrum is unusable, with its reason; the others are read as without it."""

import re

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from gravispec.observed.read import prepared_batches
from tests import observed_files as files
from tests.observed_files import ERRORS, FLAM, SPECTRUM, WAVE, refused

N, BAD = 5, 2
EXPECTED = SPECTRUM / np.median(SPECTRUM)
MONOTONIC = r"wavelengths must .*increase or decrease from pixel to pixel"


def swapped(wave):
    wave[[100, 101]] = wave[[101, 100]]


def zeros(*arrays):
    for array in arrays:
        array[:] = 0


def set_to(which, where, value):
    """A change of the row: `value` in the pixels `where` of wave, flux or error."""

    def change(wave, flux, error):
        {"wave": wave, "flux": flux, "error": error}[which][where] = value

    return change


ALL, END, SOME = slice(None), slice(700, None), slice(300, 310)
ROWS = {
    "NaN wavelengths": (set_to("wave", ALL, np.nan), f"{MONOTONIC}; pixel 0 has nan Å"),
    "one NaN wavelength": (set_to("wave", 70, np.nan), f"{MONOTONIC}; pixel 69 has .* the next nan Å"),
    "NaN at the end": (set_to("wave", END, np.nan), f"{MONOTONIC}; pixel 699 has"),
    "constant wavelengths": (set_to("wave", ALL, 8500), f"{MONOTONIC}; all are 8500.000 Å"),
    "swapped wavelengths": (lambda wave, flux, error: swapped(wave), f"{MONOTONIC}; pixel 100 has"),
    "infinite wavelength": (set_to("wave", -1, np.inf), f"{MONOTONIC}; pixel 798 has"),
    "minus infinite wavelength": (set_to("wave", 0, -np.inf), MONOTONIC),
    "negative wavelengths": (set_to("wave", ALL, -WAVE[::-1]), "must be above 0"),
    "padding at the end": (lambda *row: zeros(*(array[END] for array in row)), f"{MONOTONIC}; pixel 699 has"),
    "padding at the start": (lambda *row: zeros(*(array[:80] for array in row)), "must be above 0"),
    "padding everywhere": (lambda *row: zeros(*row), "all are 0.000 Å"),
    "padding of -999": (lambda *row: [array.fill(-999) for array in row], MONOTONIC),
    "wavelengths of another range": (
        set_to("wave", ALL, WAVE / 2),
        r"covers 4150\.0-4349\.8 Å, the model 8300\.0-8699",
    ),
    "wavelengths in nm": (set_to("wave", ALL, WAVE / 10), "check the unit of the wavelengths"),
    "NaN flux": (set_to("flux", ALL, np.nan), "no pixel with a finite flux"),
    "infinite flux": (set_to("flux", ALL, np.inf), "no pixel with a finite flux"),
    "zero flux": (set_to("flux", ALL, 0), "median flux is not positive"),
    "negative flux": (set_to("flux", ALL, -1), "median flux is not positive"),
    "NaN errors": (set_to("error", ALL, np.nan), "a positive error that is not masked"),
    "zero errors": (set_to("error", ALL, 0), "a positive error that is not masked"),
    "infinite errors": (set_to("error", ALL, np.inf), "a positive error that is not masked"),
    "negative errors": (set_to("error", SOME, -0.1), "10 errors are negative"),
    "a fifth is NaN": (set_to("flux", slice(0, 170), np.nan), "79% of the model's pixels are measured; 80% needed"),
}


def fits_table(path, wave, flux, error):
    columns = {"id": np.arange(len(flux)), "wave": wave, "flux": flux, "error": error}
    return files.table(path, columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)


def any_length(path, wave, flux, error):
    """A FITS table with arrays of any length; all rows but the last have one."""
    columns = [fits.Column("id", "J", array=np.arange(len(flux)))]
    for name, rows, unit in (("wave", wave, "Angstrom"), ("flux", flux, FLAM), ("error", error, FLAM)):
        arrays = np.empty(len(rows), dtype=object)
        arrays[:] = [*rows[:-1], rows[-1][:-3]]
        columns.append(fits.Column(name, "PD()", unit, array=arrays))
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["VACUUM"] = True
    hdu.writeto(path)
    return path


def fits_images(path, wave, flux, error):
    units = {"FLUX": {"BUNIT": FLAM}, "WAVE": {"BUNIT": "Angstrom"}}
    arrays = {"FLUX": flux, "ERROR": error, "WAVE": wave}
    return files.images(path, arrays, keywords=units, primary={"VACUUM": True})


WRITERS = {"table": fits_table, "any length": any_length, "images": fits_images, "hdf5": files.plain_hdf5}


def read(path, **options):
    batches = list(prepared_batches(path, WAVE, **options))
    return {
        name: np.concatenate([getattr(b, name) for b in batches]) for name in ("problem", "flux", "error", "filled")
    }


@pytest.mark.parametrize("kind", WRITERS)
def test_a_bad_row_is_unusable_with_its_reason_and_the_others_go_on(tmp_path, kind):
    """Alone among good ones, whatever the size of the batches; in the first row, in the middle and at the end."""
    good = [np.tile(a, (N, 1)) for a in (WAVE, SPECTRUM, ERRORS)]
    last = N - 2  # the last of `any_length` is shorter
    for i, (name, (change, reason)) in enumerate(ROWS.items()):
        row = (0, BAD, last)[i % 3]
        arrays = [a.copy() for a in good]
        change(*(a[row] for a in arrays))
        path = WRITERS[kind](tmp_path / f"{i}.dat", *arrays)
        others = np.arange(N) != row
        for batch in (1, 2048) if i % 4 == 0 else (2048,):
            got = read(path, batch=batch)
            assert (got["problem"][others] == "").all(), (name, got["problem"])
            assert np.isnan(got["flux"][row]).all(), name
            assert np.isnan(got["error"][row]).all(), name
            assert re.search(reason, got["problem"][row]), (name, got["problem"][row])
            np.testing.assert_allclose(got["flux"][others][:, :790], np.tile(EXPECTED[:790], (N - 1, 1)), rtol=1e-5)


@pytest.mark.parametrize("kind", WRITERS)
def test_rows_in_decreasing_order_are_turned_round_each_for_itself(tmp_path, kind):
    arrays = [np.tile(a, (N, 1)) for a in (WAVE, SPECTRUM, ERRORS * np.linspace(1, 2, len(WAVE)))]
    expected = read(WRITERS[kind](tmp_path / "a.dat", *arrays))
    for array in arrays:
        array[BAD] = array[BAD, ::-1]
    got = read(WRITERS[kind](tmp_path / "b.dat", *arrays))
    assert (got["problem"] == "").all()
    for name in ("flux", "error", "filled"):
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 3, 2048])
def test_all_rows_bad(tmp_path, batch):
    arrays = np.full((N, len(WAVE)), np.nan), np.tile(SPECTRUM, (N, 1)), np.tile(ERRORS, (N, 1))
    got = read(fits_table(tmp_path / "a.fits", *arrays), batch=batch)
    assert all("pixel 0 has nan" in problem for problem in got["problem"])
    assert got["flux"].shape == (N, len(WAVE))
    assert got["filled"].all()


def test_one_axis_for_all_spectra_that_is_bad_refuses_the_file(tmp_path):
    flux, error = np.tile(SPECTRUM, (N, 1)), np.tile(ERRORS, (N, 1))
    for i, wave in enumerate((np.full(len(WAVE), 8500.0), -WAVE[::-1])):
        refused(files.plain_hdf5(tmp_path / f"{i}.h5", wave, flux, error), "must .*increase or decrease", batch=1)
    refused(files.plain_hdf5(tmp_path / "b.h5", WAVE / 2, flux, error), "covers 4150")
    refused(files.plain_hdf5(tmp_path / "c.h5", WAVE[:1], flux[:, :1], error[:, :1]), "at least two are needed")


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("lengths", [(0, 0, 0), (1, 1, 1), (5, 4, 5), (0, 800, 800), (800, 800, 799)])
def test_rows_of_any_length_that_are_empty_or_do_not_fit(tmp_path, lengths, row):
    columns = []
    for name, values, n, unit in zip(
        ("wave", "flux", "error"), (WAVE, SPECTRUM, ERRORS), lengths, ("Angstrom", FLAM, FLAM), strict=True
    ):
        arrays = np.empty(3, dtype=object)
        arrays[:] = [values[:n] if i == row else values for i in range(3)]
        columns.append(fits.Column(name, "PD()", unit, array=arrays))
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["VACUUM"] = True
    hdu.writeto(tmp_path / "a.fits")
    got = read(tmp_path / "a.fits")
    reason = f"{lengths[0]} pixels; at least two" if len(set(lengths)) == 1 else f"differ: wave {lengths[0]}, flux"
    assert reason in got["problem"][row]
    assert (np.delete(got["problem"], row) == "").all()
    np.testing.assert_allclose(np.delete(got["flux"], row, axis=0), [EXPECTED] * 2, rtol=1e-6)


def test_a_pfs_product_with_a_bad_row(tmp_path):
    waves = [WAVE, np.full(700, np.nan), WAVE[:-2]]
    fluxes, errors = ([values[: len(wave)] for wave in waves] for values in (SPECTRUM, ERRORS))
    path = files.pfs_coadd(tmp_path / "a.fits", waves, fluxes, errors)
    got = read(path)
    assert got["problem"][0] == got["problem"][2] == ""
    assert "nan Å" in got["problem"][1]


def test_rows_that_only_fill_up_a_table(tmp_path):
    """Zeros and blanks: the names of such rows are the same, and say nothing."""
    arrays = [np.tile(a, (N, 1)) for a in (WAVE, SPECTRUM, ERRORS)]
    for array in arrays:
        array[3:] = 0
    columns = dict(zip(("wave", "flux", "error"), arrays, strict=True), name=["a", "b", "c", "", ""])
    path = files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)
    (batch,) = prepared_batches(path, WAVE)
    assert batch.star_id.tolist() == ["a", "b", "c", "a_0000003", "a_0000004"]
    assert (batch.problem == "").tolist() == [True] * 3 + [False] * 2


@pytest.mark.parametrize("kind", ["fits", "hdf5", "masked", "keyword"])
def test_a_velocity_that_is_nan_in_the_file_is_unknown_and_not_zero(tmp_path, kind):
    rows = [np.tile(a, (3, 1)) for a in (WAVE, SPECTRUM, ERRORS)]
    rv = np.array([0.0, np.nan, 0.0])
    units = {"wave": "Angstrom", "flux": FLAM}
    if kind == "hdf5":
        path = files.plain_hdf5(tmp_path / "a.h5", *rows, rv=rv)
    elif kind == "fits":
        columns = dict(zip(("wave", "flux", "error"), rows, strict=True), rv=rv)
        path = files.table(tmp_path / "a.fits", columns, units=units, VACUUM=True)
    elif kind == "masked":  # integers, as astropy writes masked ones: TNULL
        made = Table(dict(zip(("wave", "flux", "error"), rows, strict=True), rv=[0, 7, 0]), masked=True)
        made["rv"].mask = [False, True, False]
        for name, unit in units.items():
            made[name].unit = unit
        made.meta["VACUUM"] = True
        path = tmp_path / "a.fits"
        made.write(path)
    else:
        columns = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
        path = files.table(tmp_path / "a.fits", columns, units=units, VACUUM=True, VRAD="unknown")
        assert "velocity nan km/s" in read(path)["problem"][0]
        assert read(path, velocity=0.0)["problem"][0] == ""
        return
    problem = read(path)["problem"]
    assert "velocity nan km/s" in problem[1]
    assert problem[0] == problem[2] == ""
    assert (read(path, velocity=0.0)["problem"] == "").all()


def test_without_a_column_of_velocities_they_are_zero(tmp_path):
    path = files.plain_hdf5(tmp_path / "a.h5", WAVE, SPECTRUM, ERRORS)
    np.testing.assert_array_equal(read(path)["flux"], read(path, velocity=0.0)["flux"])


@pytest.mark.parametrize("name", ["star_id", "rv", "name", "mask"])
@pytest.mark.parametrize("n", [2, 4])
def test_columns_of_another_length_than_the_spectra_are_named(tmp_path, name, n):
    flux, error = np.tile(SPECTRUM, (3, 1)), np.tile(ERRORS, (3, 1))
    values = np.zeros((n, len(WAVE))) if name == "mask" else np.arange(n)
    refused(files.plain_hdf5(tmp_path / "a.h5", WAVE, flux, error, **{name: values}), f"{name} .*shape|shapes.*{name}")
    if name == "mask":
        axis = {"CTYPE1": "WAVE", "CUNIT1": "nm", "CRVAL1": 830.0, "CDELT1": 0.05, "CRPIX1": 1.0, "BUNIT": FLAM}
        arrays = {"FLUX": flux, "ERROR": error, "MASK": values}
        path = files.images(tmp_path / "a.fits", arrays, keywords={"FLUX": axis})
        refused(path, r"\[MASK\] has the shape")
        return
    units = {"FLUX": {"BUNIT": FLAM}, "WAVE": {"BUNIT": "Angstrom"}}
    path = files.images(tmp_path / "a.fits", {"FLUX": flux, "ERROR": error, "WAVE": WAVE}, keywords=units)
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.BinTableHDU(Table({name: values})))
    refused(path, f"column {name} of table .* has {n} rows for 3 spectra", medium="vacuum")


def test_redshifts_of_another_number_than_the_spectra_are_named(tmp_path):
    import pandas as pd

    from gravispec.data import pfsspec

    path = tmp_path / "a.h5"
    pd.DataFrame({"redshift": [0.0, np.nan]}).to_hdf(path, key="dataset/params", format="table")
    with h5py.File(path, "a") as file:
        file[pfsspec.WAVE] = WAVE
        file[pfsspec.FLUX], file[pfsspec.ERROR] = np.tile(SPECTRUM, (3, 1)), np.tile(ERRORS, (3, 1))
    refused(path, "redshift has the shape")
    with h5py.File(path, "a") as file:
        for name in (pfsspec.FLUX, pfsspec.ERROR):
            values = file[name][:2]
            del file[name]
            file[name] = values
    assert [problem[:12] for problem in read(path)["problem"]] == ["", "velocity nan"]
