"""Data sets in the HDF5 layout of the PFS simulation chain ("pfsspec", method.md section 2), read safely and lazily.

``spectrumdataset/wave`` (P,) Å in vacuum; ``dataset/arrays/flux/value`` and ``dataset/arrays/error/value`` (N, P);
labels as a pandas table. The table is read with h5py: PyTables may unpickle objects, which runs whatever a file says.
"""

import pickletools
import resource
from contextlib import contextmanager

import h5py
import numpy as np
import pandas as pd

from gravispec.errors import InputError

WAVE = "spectrumdataset/wave"
FLUX = "dataset/arrays/flux/value"
ERROR = "dataset/arrays/error/value"
REQUIRED_LABELS = ("T_eff", "log_g", "M_H")
OPTIONAL_LABELS = ("a_M", "C_M", "mag", "redshift", "snr")

LIMIT = 4 * 2**30  # bytes of address space that reading a user's file may take: a malformed one can ask for any amount


@contextmanager
def limited_memory(files):
    """Within the block this process gets no more than ``LIMIT``. Raises ``InputError`` with ``files`` where it asks."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, before[1]))
    try:
        yield
    except MemoryError:
        named = ", ".join(files)
        raise InputError(
            f"{named}: reading takes more than {LIMIT // 2**30} GiB of memory; a file is damaged: write it again"
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def open_file(path):
    """Open ``path`` for reading after checking its layout; yields an ``h5py.File``.

    Raises ``InputError`` naming the file and the data set that is missing, of the wrong shape or not increasing.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read as HDF5 ({error}); give the path of a complete pfsspec file"
        ) from None
    with file:
        for name, ndim in ((WAVE, 1), (FLUX, 2), (ERROR, 2)):
            if not isinstance(file.get(name), h5py.Dataset):
                raise InputError(f"{path}: data set {name!r} is missing; the layout is described in the README")
            if file[name].ndim != ndim:
                raise InputError(f"{path}: {name} has {file[name].ndim} dimensions, expected {ndim}")
        wave, flux, error = file[WAVE][:], file[FLUX], file[ERROR]
        if not np.all(np.isfinite(wave)) or np.any(np.diff(wave) <= 0):
            raise InputError(f"{path}: {WAVE} must increase from pixel to pixel, in Å; sort the pixels")
        if flux.shape[1] != len(wave):
            raise InputError(f"{path}: {FLUX} has {flux.shape[1]} pixels, {WAVE} has {len(wave)}")
        if error.shape != flux.shape:
            raise InputError(
                f"{path}: {ERROR} has shape {error.shape}, {FLUX} has {flux.shape}; one error a flux is needed"
            )
        yield file


def read_labels(file):
    """Labels of an open file as a DataFrame: the required columns, and the optional ones where present."""
    path, n_rows = file.filename, file[FLUX].shape[0]
    columns = numeric_columns(file)
    missing = [name for name in REQUIRED_LABELS if name not in columns]
    if missing:
        found = ", ".join(sorted(columns)) or "no label table"
        raise InputError(f"{path}: label column {missing[0]!r} is missing; found: {found}")
    labels = pd.DataFrame({n: columns[n] for n in (*REQUIRED_LABELS, *OPTIONAL_LABELS) if n in columns}).astype(float)
    if len(labels) != n_rows:
        raise InputError(f"{path}: {len(labels)} rows of labels and {n_rows} spectra; one row a spectrum is needed")
    bad = ~np.isfinite(labels[list(REQUIRED_LABELS)]).all(axis=1)
    if bad.any():
        raise InputError(f"{path}: row {int(bad.idxmax())} has a label that is not finite; remove the row")
    return labels


def read_stars(file, split):
    """The table of stars of one split: star_id, split, row, then labels with 0 for absent a_M, C_M and NaN for mag."""
    labels = read_labels(file).reindex(columns=[*REQUIRED_LABELS, *OPTIONAL_LABELS])
    labels = labels.fillna({"a_M": 0.0, "C_M": 0.0})
    row = np.arange(len(labels))
    labels.insert(0, "star_id", [f"{split}_{i:07d}" for i in row])
    labels.insert(1, "split", split)
    labels.insert(2, "row", row)
    return labels


def read_spectra(file, lo, hi):
    """Flux and error of rows ``lo..hi``, (hi - lo, P) float32 each, checked and normalised.

    Flux below 0 is clipped. NaN errors in the first and last pixel take their neighbour's value. Both are divided by
    the spectrum's median flux, unless that is 1 to 1e-6: an exported data set comes back bit by bit. Anything else that
    is not finite, or an error that is not positive: ``InputError``.
    """
    path = file.filename
    flux = file[FLUX][lo:hi].astype(np.float32)
    error = file[ERROR][lo:hi].astype(np.float32)
    for edge, neighbour in ((0, 1), (-1, -2)):
        gap = np.isnan(error[:, edge])
        error[gap, edge] = error[gap, neighbour]
    _refuse(path, "flux", flux, ~np.isfinite(flux), lo, "is not finite; mask or remove the spectrum")
    _refuse(path, "error", error, ~(np.isfinite(error) & (error > 0)), lo, "is not a positive number; 1σ is needed")
    median = np.median(flux, axis=1, keepdims=True)
    _refuse(path, "median flux", median, median <= 0, lo, "is not positive, so the flux cannot be normalised by it")
    median[np.abs(median - 1) < 1e-6] = 1
    return np.maximum(flux, 0) / median, error / median


def _refuse(path, what, values, bad, lo, why):
    if bad.any():
        row, pixel = np.argwhere(bad)[0]
        raise InputError(f"{path}: {what} of row {lo + row}, pixel {pixel} = {values[row, pixel]} {why}")


def numeric_columns(file):
    """Numeric columns of what pandas reads, ``{name: (N,) array}``: its own two layouts, and a plain PyTables table."""
    groups = []
    file.visititems(lambda _, item: groups.append(item) if "pandas_type" in item.attrs or _has_table(item) else None)
    columns = {}
    for group in groups:
        if "table" in group:
            table = group["table"]
            for field in table.dtype.names:
                names = _strings(table.attrs.get(f"{field}_kind", b"")) or [field]
                values = table[field].reshape(len(table), -1)
                if values.dtype.kind in "fiu":
                    columns.update(zip(names, values.T, strict=False))
        for items in (name for name in group if name.endswith("_items")):
            values = group[items.replace("_items", "_values")]
            names = [n.decode() if isinstance(n, bytes) else str(n) for n in group[items][:]]
            if values.dtype.kind in "fiu":
                columns.update(zip(names, values[:].T, strict=False))
    return columns


def _has_table(item):
    table = item.get("table") if isinstance(item, h5py.Group) else None
    return isinstance(table, h5py.Dataset) and table.dtype.names is not None


def _strings(pickled):
    """The strings in a pickled list of names, found by scanning its opcodes: nothing is executed."""
    pickled = bytes(pickled) if not isinstance(pickled, str) else pickled.encode()
    try:
        return [arg for op, arg, _ in pickletools.genops(pickled) if "UNICODE" in op.name]
    except (ValueError, IndexError):
        return []
