"""Export to the pfsspec layout: what comes back, by this project's reader, pandas and h5py, is what was there."""

import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from gravispec.cli import export
from gravispec.data.pfsspec import ERROR, FLUX, WAVE, open_file, read_spectra, read_stars
from gravispec.spectra.normalise import median_normalised

LABELS = ["T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "redshift", "snr"]


@pytest.fixture
def dataset(tmp_path):
    """A data set of two splits and 5,000 stars, more than a block, in 101 pixels."""
    rng = np.random.default_rng(5)
    n, split = 5000, ["train"] * 3000 + ["test"] * 2000
    row = np.concatenate([np.arange(3000), np.arange(2000)])
    stars = pd.DataFrame({"star_id": [f"{s}_{i:07d}" for s, i in zip(split, row, strict=True)], "split": split})
    stars["row"] = row
    for name in ("T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "seeing", "snr"):
        stars[name] = rng.normal(size=n)
    folder = tmp_path / "lte"
    folder.mkdir()
    stars.to_parquet(folder / "stars.parquet")
    flux = rng.normal(1, 0.2, (n, 101)).astype(np.float32)
    np.save(folder / "wave.npy", np.arange(8000.0, 8101.0))
    arrays = {"flux": median_normalised(flux), "error": rng.uniform(0.1, 0.2, flux.shape).astype(np.float32)}
    for name, rows in arrays.items():
        (folder / name).mkdir()
        for shard, part in {"train_0": slice(0, 3000), "test_0": slice(3000, 4500), "test_1": slice(4500, n)}.items():
            np.save(folder / name / f"{shard}.npy", rows[part])
    return folder


def rows_of_test(folder):
    return np.concatenate([np.load(folder / f"test_{shard}.npy") for shard in (0, 1)])


@pytest.fixture
def exported(dataset, tmp_path):
    path = tmp_path / "test.h5"
    result = CliRunner().invoke(export, ["--dataset", str(dataset), str(path), "--split", "test"])
    assert result.exit_code == 0, result.output
    assert "2000 stars" in result.output
    return path


def test_this_projects_reader_gets_the_data_set_back_bit_by_bit(dataset, exported):
    stars = pd.read_parquet(dataset / "stars.parquet").query("split == 'test'").reset_index(drop=True)
    with open_file(exported) as file:
        found = read_stars(file, "test")
        flux, error = read_spectra(file, 0, 2000)
        np.testing.assert_array_equal(file[WAVE][:], np.load(dataset / "wave.npy"))
    common = ["star_id", "split", "row", "T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "snr"]
    pd.testing.assert_frame_equal(found[common], stars[common], check_exact=True)
    np.testing.assert_array_equal(flux, rows_of_test(dataset / "flux"))
    np.testing.assert_array_equal(error, rows_of_test(dataset / "error"))


def test_pandas_and_h5py_read_the_same(dataset, exported):
    stars = pd.read_parquet(dataset / "stars.parquet").query("split == 'test'").reset_index(drop=True)
    expected = stars.assign(redshift=0.0)[[*LABELS, "seeing"]]
    pd.testing.assert_frame_equal(pd.read_hdf(exported), expected, check_exact=True)
    with h5py.File(exported) as file:
        for name in expected:
            np.testing.assert_array_equal(file["dataset/params/table"][name], expected[name])
        assert file[FLUX].dtype == file[ERROR].dtype == np.float32
        np.testing.assert_array_equal(file[FLUX][:], rows_of_test(dataset / "flux"))


def test_nothing_in_the_file_is_an_object_or_pickled(exported):
    def check(_, item):
        assert not isinstance(item, h5py.Dataset) or not item.dtype.hasobject
        for value in item.attrs.values():
            assert np.asarray(value).dtype.kind in "Sfiu"
            assert value in (b"TABLE", b"2.7", b"")

    with h5py.File(exported) as file:
        file.visititems(check)


@pytest.mark.parametrize(
    ("split", "spoil", "message"),
    [
        ("val", lambda folder: None, "no split 'val'; there are train, test"),
        ("test", lambda folder: (folder / "error/test_1.npy").unlink(), "has shape (1500, 101)"),
        ("test", lambda folder: (folder / "flux/test_0.npy").write_bytes(b""), "test_0.npy: no .npy file"),
        ("test", lambda folder: shutil.rmtree(folder / "flux"), "flux: no test_0.npy"),
        ("test", lambda folder: (folder / "stars.parquet").write_bytes(b"PAR1"), "stars.parquet or wave.npy"),
        ("test", lambda folder: (folder / "flux/test_0.npy").open("r+b").truncate(4 * 101 * 1000), "truncated"),
        ("test", lambda folder: np.save(folder / "wave.npy", np.arange(7.0)), "has shape (2000, 101)"),
    ],
)
def test_a_bad_data_set_is_named_and_leaves_no_file(dataset, tmp_path, split, spoil, message):
    spoil(dataset)
    result = CliRunner().invoke(export, ["--dataset", str(dataset), str(tmp_path / "a.h5"), "--split", split])
    assert result.exit_code == 1
    assert message in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["lte"]
