"""Large 2-D arrays in ``.npy`` files, written and read in contiguous blocks of rows.

Plain reads and writes, no memory maps: mapped pages count as a job's memory.
"""

import contextlib
from pathlib import Path

import numpy as np

from gravispec.errors import InputError

#: rows in a block; 2,048 rows of 4,096 float32 pixels are 32 MiB
BLOCK = 2048


def blocks(start, stop, size=BLOCK):
    """Yield ``(lo, hi)`` pairs that cover ``start..stop`` in steps of ``size`` rows."""
    for lo in range(start, stop, size):
        yield lo, min(lo + size, stop)


@contextlib.contextmanager
def row_writer(path, shape, dtype=np.float32):
    """Yield ``append(rows)`` for a ``.npy`` file of ``shape``; fails unless exactly that many rows are written."""
    dtype = np.dtype(dtype)
    written = 0
    with open(path, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)

        def append(rows):
            nonlocal written
            rows = np.ascontiguousarray(rows, dtype=dtype)
            if rows.shape[1:] != tuple(shape[1:]):
                raise ValueError(f"{path}: a row has shape {rows.shape[1:]}, expected {tuple(shape[1:])}")
            file.write(memoryview(rows).cast("B"))
            written += len(rows)

        yield append
    if written != shape[0]:
        raise ValueError(f"{path}: {written} rows written, {shape[0]} declared")


class RowReader:
    """Rows of a C-ordered 2-D ``.npy`` file, or of several as if they were one, by plain reads.

    ``reader[lo:hi]`` is an array ``(hi - lo, P)``; ``reader[rows]`` has the rows of these increasing numbers.
    """

    def __init__(self, paths):
        self._files = [_open(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
        path, (_, width), self.dtype, _ = self._files[0]
        for other, shape, dtype, _ in self._files:
            if (shape[1], dtype) != (width, self.dtype):
                raise InputError(f"{other}: {shape[1]} columns of {dtype}, {path} has {width} of {self.dtype}")
        self._ends = np.cumsum([shape[0] for _, shape, _, _ in self._files])
        self.shape = int(self._ends[-1]), width

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        if isinstance(rows, slice):
            lo, hi, step = rows.indices(len(self))
            if step != 1:
                raise ValueError("only contiguous rows can be read")
            rows = np.arange(lo, max(lo, hi))
        rows = np.asarray(rows)
        found = np.empty((len(rows), self.shape[1]), self.dtype)
        file_of_row = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(file_of_row):
            inside = np.flatnonzero(file_of_row == number)
            first = self._ends[number] - self._files[number][1][0]
            self._read(number, rows[inside] - first, found[inside[0] : inside[-1] + 1])
        return found

    def _read(self, number, rows, found):
        """Rows of one file into ``found``, each run of neighbours by one read."""
        path, _, _, offset = self._files[number]
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        with open(path, "rb", buffering=0) as file:
            for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
                file.seek(offset + int(rows[start]) * self.shape[1] * self.dtype.itemsize)
                part = memoryview(found[start:end]).cast("B")
                if file.readinto(part) != len(part):
                    which = f"rows {rows[start]}..{rows[end - 1] + 1}"
                    raise InputError(f"{path}: truncated, {which} are not all there; delete it and rerun")


def _open(path):
    """``(path, shape, dtype, offset of the data)`` of a ``.npy`` file."""
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else None
        except ValueError as error:
            raise InputError(f"{path}: no .npy file ({error}); delete it and rerun") from None
        if header is None:
            raise InputError(f"{path}: .npy format {version}, expected (1, 0); write it with numpy.save")
        shape, fortran, dtype = header
        offset = file.tell()
    if fortran or len(shape) != 2 or dtype.hasobject:
        raise InputError(f"{path}: expected a C-ordered numeric 2-D array, found shape {shape} {dtype}")
    return path, shape, dtype, offset


def selected_rows(reader, keep, size=BLOCK):
    """Yield ``(rows, indices)`` of the rows where the mask ``keep`` (N,) holds, block by block; no others are read."""
    keep = np.asarray(keep, bool)
    for lo, hi in blocks(0, len(keep), size):
        index = lo + np.flatnonzero(keep[lo:hi])
        if index.size:
            yield reader[index], index
