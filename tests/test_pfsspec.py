"""Reading the user's HDF5 files: what pandas wrote comes back, and every kind of bad file is named."""

import h5py
import numpy as np
import pytest

from gravispec.data.pfsspec import ERROR, FLUX, WAVE, open_file, read_labels, read_spectra, read_stars
from gravispec.errors import InputError
from tests.pfsspec_files import small_spectra, write_pfsspec


@pytest.fixture
def file(tmp_path):
    return write_pfsspec(tmp_path / "train.h5", *small_spectra(20, seed=1))


@pytest.mark.parametrize("layout", ["table", "fixed"])
def test_labels_are_those_that_pandas_reads(tmp_path, layout):
    import pandas as pd

    path = write_pfsspec(tmp_path / "a.h5", *small_spectra(20, seed=1), layout=layout)
    with open_file(path) as opened:
        labels = read_labels(opened)
    expected = pd.read_hdf(path)[list(labels)]
    np.testing.assert_array_equal(labels.to_numpy(), expected.to_numpy())
    assert {"T_eff", "log_g", "M_H", "mag", "snr"} <= set(labels)


def test_flux_is_normalised_and_edge_errors_are_filled(file):
    with open_file(file) as opened:
        flux, error = read_spectra(opened, 3, 9)
    assert flux.shape == error.shape == (6, len(small_spectra(1, seed=1)[0]))
    np.testing.assert_allclose(np.median(flux, axis=1), 1, rtol=1e-6)
    assert np.isfinite(error).all()
    np.testing.assert_array_equal(error[:, 0], error[:, 1])
    assert flux.min() >= 0


def test_absent_optional_labels_get_their_defaults(tmp_path):
    wave, flux, error, labels = small_spectra(5, seed=2)
    path = write_pfsspec(tmp_path / "a.h5", wave, flux, error, labels[["T_eff", "log_g", "M_H"]])
    with open_file(path) as opened:
        stars = read_stars(opened, "val")
    assert stars["star_id"].tolist() == [f"val_{i:07d}" for i in range(5)]
    assert (stars["a_M"] == 0).all()
    assert stars["mag"].isna().all()


def change(path, name, index, value):
    with h5py.File(path, "a") as opened:
        opened[name][index] = value


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        (FLUX, (4, 100), np.nan, "flux of row 4, pixel 100 = nan"),
        (FLUX, (4, 100), np.inf, "flux of row 4, pixel 100 = inf"),
        (ERROR, (7, 50), 0.0, "error of row 7, pixel 50 = 0.0"),
        (ERROR, (7, 50), -1.0, "error of row 7, pixel 50 = -1.0"),
        (ERROR, (7, 50), np.nan, "error of row 7, pixel 50 = nan"),
        (FLUX, 5, -1.0, "median flux of row 5"),
    ],
)
def test_bad_pixels_are_named(file, name, index, value, message):
    change(file, name, index, value)
    with open_file(file) as opened, pytest.raises(InputError, match=message):
        read_spectra(opened, 0, 20)


def refused(path, message):
    def read():
        with open_file(path) as opened:
            read_labels(opened)

    with pytest.raises(InputError, match=message) as error:
        read()
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_layouts_are_named(tmp_path):
    wave, flux, error, labels = small_spectra(20, seed=1)
    path = tmp_path / "a.h5"
    refused(write_pfsspec(path, wave[::-1], flux, error, labels), "must increase")
    refused(write_pfsspec(path, wave[:-1], flux, error, labels), "pixels")
    refused(write_pfsspec(path, wave, flux, error[:-1], labels), "has shape")
    refused(write_pfsspec(path, wave, flux, error, labels[:-2]), "18 rows of labels and 20 spectra")
    refused(write_pfsspec(path, wave, flux, error, labels.drop(columns="log_g")), "'log_g' is missing; found: C_M")
    labels.loc[3, "T_eff"] = np.nan
    refused(write_pfsspec(path, wave, flux, error, labels), "row 3")
    with h5py.File(path, "a") as opened:
        del opened[ERROR]
    refused(path, "dataset/arrays/error/value")


def test_files_that_are_no_hdf5_are_named(tmp_path, file):
    path = tmp_path / "a.h5"
    for content in (b"", b"not HDF5", file.read_bytes()[: file.stat().st_size // 2]):
        path.write_bytes(content)
        refused(path, "cannot be read as HDF5")


def test_a_pickled_label_attribute_is_not_executed(file, tmp_path):
    import pickle

    class Touch:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    with h5py.File(file, "a") as opened:
        opened["dataset/params/table"].attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(Touch(), 0))
        assert opened[WAVE].shape
    with open_file(file) as opened, pytest.raises(InputError, match="missing"):
        read_labels(opened)
    assert not (tmp_path / "executed").exists()
