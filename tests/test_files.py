"""Files appear whole or not at all, and row blocks read back what was written."""

import numpy as np
import pytest

from gravispec.data.arrays import RowReader, blocks, row_writer, selected_rows
from gravispec.data.files import atomic
from gravispec.errors import InputError


def test_atomic_leaves_nothing_behind_on_an_error(tmp_path):
    old = tmp_path / "b.txt"
    old.write_text("old")

    def write_half():
        with atomic(tmp_path / "a.txt", old) as (a, b):
            a.write_text("half")
            b.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]
    assert old.read_text() == "old"


def test_atomic_moves_all_files_to_their_names(tmp_path):
    with atomic(tmp_path / "new" / "a.csv", tmp_path / "b.csv") as (a, b):
        a.write_text("1")
        b.write_text("2")
        assert not (tmp_path / "b.csv").exists()
    assert (tmp_path / "new" / "a.csv").read_text() == "1"
    assert (tmp_path / "b.csv").read_text() == "2"


def test_rows_read_back_and_numpy_reads_the_file(tmp_path):
    rows = np.random.default_rng(1).normal(size=(11, 5)).astype(np.float32)
    path = tmp_path / "flux.npy"
    with row_writer(path, rows.shape) as write:
        for lo, hi in blocks(0, 11, 4):
            write(rows[lo:hi])
    np.testing.assert_array_equal(np.load(path), rows)
    reader = RowReader(path)
    np.testing.assert_array_equal(reader[3:9], rows[3:9])
    keep = np.array([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1], bool)
    parts = list(selected_rows(reader, keep, size=3))
    np.testing.assert_array_equal(np.concatenate([p for p, _ in parts]), rows[keep])
    np.testing.assert_array_equal(np.concatenate([i for _, i in parts]), np.flatnonzero(keep))


def test_wrong_number_or_width_of_rows_is_refused(tmp_path):
    with pytest.raises(ValueError, match="2 rows written, 3 declared"), row_writer(tmp_path / "a.npy", (3, 4)) as write:
        write(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="a row has shape"), row_writer(tmp_path / "a.npy", (3, 4)) as write:
        write(np.zeros((2, 5)))


def test_truncated_or_foreign_array_files_are_named(tmp_path):
    path = tmp_path / "flux.npy"
    np.save(path, np.zeros((10, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="truncated"):
        RowReader(path)[0:10]
    np.save(path, np.zeros(4))
    with pytest.raises(InputError, match="2-D"):
        RowReader(path)
