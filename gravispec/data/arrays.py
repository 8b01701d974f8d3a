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
    """Rows of a C-ordered 2-D ``.npy`` file by plain reads: ``reader[lo:hi]`` is an array ``(hi - lo, P)``."""

    def __init__(self, path):
        self.path = Path(path)
        with open(self.path, "rb") as file:
            try:
                version = np.lib.format.read_magic(file)
                header = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else None
            except ValueError as error:
                raise InputError(f"{path}: no .npy file ({error}); delete it and rerun") from None
            if header is None:
                raise InputError(f"{path}: .npy format {version}, expected (1, 0); write it with numpy.save")
            self.shape, fortran, self.dtype = header
            self._offset = file.tell()
        if fortran or len(self.shape) != 2 or self.dtype.hasobject:
            raise InputError(f"{path}: expected a C-ordered numeric 2-D array, found shape {self.shape} {self.dtype}")

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        lo, hi, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("only contiguous rows can be read")
        width = self.shape[1]
        count = max(hi - lo, 0) * width
        offset = self._offset + lo * width * self.dtype.itemsize
        data = np.fromfile(self.path, dtype=self.dtype, count=count, offset=offset)
        if data.size != count:
            raise InputError(f"{self.path}: truncated, rows {lo}..{hi} are not all there; delete it and rerun")
        return data.reshape(-1, width)


def selected_rows(reader, keep, size=BLOCK):
    """Yield ``(rows, indices)`` of the rows where the boolean mask ``keep`` (N,) holds, block by block."""
    keep = np.asarray(keep, bool)
    for lo, hi in blocks(0, len(keep), size):
        inside = np.flatnonzero(keep[lo:hi])
        if inside.size:
            yield reader[lo:hi][inside], lo + inside
