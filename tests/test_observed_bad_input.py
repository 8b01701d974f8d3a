"""Every kind of bad file is named in one line, and nothing crashes."""

import os
import pickle

import h5py
import numpy as np
import pandas as pd
import pytest

from gravispec.data.pfsspec import ERROR, FLUX
from gravispec.data.pfsspec import WAVE as PFSSPEC_WAVE
from gravispec.errors import InputError
from gravispec.observed import child
from gravispec.observed.read import prepared_batches
from tests import observed_files as files
from tests.observed_files import ERRORS, FLAM, SPECTRUM, WAVE, refused


@pytest.fixture
def hdf5(tmp_path):
    return files.plain_hdf5(tmp_path / "a.h5", WAVE, SPECTRUM, ERRORS)


@pytest.fixture
def fits_table(tmp_path):
    columns = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
    return files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)


@pytest.mark.parametrize("kind", ["hdf5", "fits_table"])
@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.97])
def test_truncated_files(kind, share, request):
    path = request.getfixturevalue(kind)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "empty" if share == 0 else "cannot be read|neither")


@pytest.mark.parametrize("where", [64, 200, 520, 800, 2000])
def test_hdf5_with_overwritten_structures(hdf5, where):
    """Whatever the library makes of it, an answer comes back: the spectrum or an error that names the file."""
    content = bytearray(hdf5.read_bytes())
    content[where : where + 300] = np.random.default_rng(where).bytes(300)
    hdf5.write_bytes(content)
    try:
        answer = str([batch.source for batch in prepared_batches(hdf5, WAVE)])
    except InputError as error:
        answer = str(error)
    assert str(hdf5) in answer


def test_hdf5_that_asks_for_more_memory_than_there_is(hdf5):
    with h5py.File(hdf5, "a") as file:
        for name in ("flux", "error", "wave"):
            attributes = dict(file[name].attrs)
            del file[name]
            shape, chunk = ((2**31,), (2**16,)) if name == "wave" else ((2, 2**31), (1, 2**16))
            file.create_dataset(name, shape, "f8", chunks=chunk)  # nothing of it is on the disk
            file[name].attrs.update(attributes)
    assert hdf5.stat().st_size < 1e5
    refused(hdf5, "more than 4 GiB|cannot be read")


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(pickle.dumps({"flux": 1}))
    refused(path, "neither FITS nor HDF5")
    refused(tmp_path / "absent.fits", "No such file")


@pytest.mark.parametrize(
    ("name", "message"),
    [("wave", "wave and flux are needed"), ("flux", "wave and flux are needed"), ("error", "has no errors")],
)
def test_hdf5_without_a_data_set(hdf5, name, message):
    with h5py.File(hdf5, "a") as file:
        del file[name]
    refused(hdf5, message)


def test_hdf5_with_wrong_data_sets(hdf5, tmp_path):
    with h5py.File(hdf5, "a") as file:
        del file["error"]
        file["error"] = ERRORS[:-1]
    refused(hdf5, "shapes do not fit")
    with h5py.File(hdf5, "a") as file:
        del file["error"]
        file["error"] = ["0.1"] * len(WAVE)
    refused(hdf5, "error has the type")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file[PFSSPEC_WAVE] = WAVE
        file[FLUX] = SPECTRUM[None]
    refused(tmp_path / "b.h5", f"'{ERROR}' is missing")


@pytest.mark.parametrize("missing", ["wave", "flux", "error"])
def test_fits_table_without_a_column(tmp_path, missing):
    columns = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
    del columns[missing]
    path = files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)
    refused(path, {"wave": "no wavelengths", "flux": "no table with a column flux", "error": "no errors"}[missing])


def test_fits_image_without_errors_or_wavelengths(tmp_path):
    axis = {"BUNIT": FLAM, "CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": WAVE[0], "CDELT1": 0.5, "CRPIX1": 1.0}
    refused(files.images(tmp_path / "a.fits", {"FLUX": SPECTRUM}, keywords={"FLUX": axis}), "has no errors")
    both = {"FLUX": SPECTRUM, "ERROR": ERRORS}
    refused(files.images(tmp_path / "b.fits", both, keywords={"FLUX": {"BUNIT": FLAM}}), "has no wavelengths")
    del axis["CUNIT1"]
    refused(files.images(tmp_path / "c.fits", both, keywords={"FLUX": axis}), "has no unit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": None}, "wave has no unit; .* nm, um or Angstrom"),
        ({"unit": "kg"}, "wave has the unit 'kg'"),
        ({"unit": "?"}, "wave has the unit '\\?'"),
        ({"flux_unit": None}, "flux has no unit"),
        ({"flux_unit": "electron"}, "flux has the unit 'electron'"),
        ({"medium": None}, "in air or vacuum"),
    ],
)
def test_units_and_medium_must_be_known(tmp_path, options, message):
    refused(files.plain_hdf5(tmp_path / "a.h5", WAVE, SPECTRUM, ERRORS, **options), message)
    units = {"wave": options.get("unit", "Angstrom"), "flux": options.get("flux_unit", FLAM)}
    columns = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
    keywords = {} if "medium" in options else {"VACUUM": True}
    units = {name: unit for name, unit in units.items() if unit}
    refused(files.table(tmp_path / "a.fits", columns, units=units, **keywords), message.replace("wave", "column wave"))


def test_wavelengths_that_are_not_monotonic_or_not_the_models(tmp_path):
    wave = WAVE.copy()
    wave[[100, 101]] = wave[[101, 100]]
    refused(files.plain_hdf5(tmp_path / "a.h5", wave, SPECTRUM, ERRORS), "must increase or decrease .* pixel 100")
    wave[100] = np.nan
    refused(files.plain_hdf5(tmp_path / "b.h5", wave, SPECTRUM, ERRORS), "must increase or decrease")
    refused(files.plain_hdf5(tmp_path / "c.h5", WAVE / 2, SPECTRUM, ERRORS), "covers 4150.* the model 8300.*unit")


def test_duplicate_identifiers(tmp_path):
    flux, error = np.tile(SPECTRUM, (3, 1)), np.tile(ERRORS, (3, 1))
    path = files.plain_hdf5(tmp_path / "a.h5", WAVE, flux, error, star_id=[4, 5, 4])
    refused(path, "rows 0 and 2 have the same identifier '4'", batch=1)
    path = files.pfs_coadd(tmp_path / "a.fits", [WAVE] * 2, flux[:2], error[:2], obj_ids=np.array([8, 8]))
    refused(path, "rows 0 and 1 have the same identifier '7:8'")


def test_pickled_objects_in_label_tables_are_not_unpickled(tmp_path):
    """PyTables pickles what it cannot store, and unpickles it on reading: here that would make a file."""

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "unpickled"),)

    path = tmp_path / "a.h5"
    pd.DataFrame({"T_eff": [5000.0], "redshift": [0.0]}).to_hdf(path, key="dataset/params", format="table")
    with h5py.File(path, "a") as file:
        file[PFSSPEC_WAVE], file[FLUX], file[ERROR] = WAVE, SPECTRUM[None], ERRORS[None]
        table = file["dataset/params/table"]
        bomb = np.void(pickle.dumps(Evil(), protocol=0))
        for attribute in [name for name in table.attrs if name.endswith("_kind")]:
            table.attrs[attribute] = bomb
        file.create_dataset("dataset/params/objects", data=np.array([bomb]))
        file["dataset/params"].attrs["info"] = bomb
    (batch,) = prepared_batches(path, WAVE)
    assert batch.problem[0] == ""
    assert not (tmp_path / "unpickled").exists()


@pytest.fixture
def dying(monkeypatch):
    """Reading processes that die on files with certain names."""
    monkeypatch.setattr(child.worker, "__name__", "tests.observed_worker_that_dies")
    monkeypatch.setattr(child, "_idle", [])
    yield
    for process in child._idle:
        process.kill()


@pytest.mark.parametrize(("name", "message"), [("crash", "SIGABRT"), ("greedy", "takes more than 4 GiB")])
def test_a_file_that_kills_its_reader_is_named_and_the_next_one_is_read(dying, tmp_path, name, message):
    good, bad = (files.plain_hdf5(tmp_path / f"{n}.h5", WAVE, SPECTRUM, ERRORS) for n in ("good", name))
    assert len(list(prepared_batches(good, WAVE))) == 1
    refused(bad, message)
    assert len(list(prepared_batches(good, WAVE))) == 1


def test_one_process_reads_good_files_and_a_new_one_follows_a_bad_one(hdf5, tmp_path, monkeypatch):
    monkeypatch.setattr(child, "_idle", [])
    started = []
    monkeypatch.setattr(child, "_start", lambda start=child._start: started.append(start()) or started[-1])
    for _ in range(3):
        list(prepared_batches(hdf5, WAVE))
    assert len(started) == 1
    refused(files.plain_hdf5(tmp_path / "b.h5", WAVE, SPECTRUM, ERRORS, flux_unit=None), "no unit")
    assert len(started) == 1
    refused(tmp_path / "absent.h5", "No such file")
    list(prepared_batches(hdf5, WAVE))
    assert len(started) == 2
    batches = prepared_batches(files.plain_hdf5(tmp_path / "b.h5", WAVE, [SPECTRUM] * 3, [ERRORS] * 3), WAVE, batch=1)
    next(batches)
    batches.close()  # the caller has seen enough
    assert all(process.returncode is not None for process in started)
