"""Data sets of gravispec written in the pfsspec layout (method.md section 2; the reader is ``pfsspec``)."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks
from gravispec.data.error_rows import ErrorRows
from gravispec.data.files import atomic
from gravispec.data.pfsspec import ERROR, FLUX, OPTIONAL_LABELS, REQUIRED_LABELS, WAVE
from gravispec.errors import InputError

TABLE = "dataset/params/table"  # pandas reads the group of a table that is called "table"


def export_split(dataset, split, path):
    """Write one split of the data set in the folder ``dataset`` to ``path``, whole or not at all; number of stars.

    Clean flux and 1σ errors, float32, are streamed. The labels are a table of float64 columns that h5py reads as it is
    and ``pandas.read_hdf`` as a plain PyTables table: nothing in the file is pickled. Raises ``InputError`` where the
    folder is no data set or has no such split.
    """
    dataset = Path(dataset)
    files = {name: dataset / name for name in ("stars.parquet", "wave.npy")}
    for file in files.values():
        if not file.is_file():
            raise InputError(f"{file}: not there; give the folder of a data set, such as results/spectra/lte")
    try:
        stars = pd.read_parquet(files["stars.parquet"])
        wave = np.load(files["wave.npy"], allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{dataset}: stars.parquet or wave.npy cannot be read ({error}); make it again") from None
    splits = list(stars["split"].unique())
    stars = stars[stars["split"] == split]
    if stars.empty:
        raise InputError(f"{dataset}: no split {split!r}; there are {', '.join(splits)}")
    arrays = {
        FLUX: RowReader(_shards(dataset / "flux", split)),
        ERROR: ErrorRows(_shards(dataset / "error", split), wave),
    }
    for name, rows in arrays.items():
        if rows.shape != (len(stars), len(wave)):
            raise InputError(
                f"{dataset}: {name} has shape {rows.shape} for {len(stars)} stars; make the data set again"
            )
    with atomic(path) as part, h5py.File(part, "w") as file:
        file[WAVE] = wave
        _write_table(file, _labels(stars))
        for name, rows in arrays.items():
            written = file.create_dataset(name, rows.shape, rows.dtype)
            for lo, hi in blocks(0, len(stars)):
                written[lo:hi] = rows[lo:hi]
    return len(stars)


def _shards(folder, split):
    """The files of a split, in the order of its stars."""
    files = sorted(folder.glob(f"{split}_*.npy"), key=lambda file: int(file.stem.removeprefix(f"{split}_")))
    if not files:
        raise InputError(f"{folder}: no {split}_0.npy; make the data set again")
    return files


def _labels(stars):
    """The columns of the layout first, then every other number; model spectra are at rest and, by default, solar."""
    absent = {"a_M": 0.0, "C_M": 0.0, "redshift": 0.0, "mag": np.nan, "snr": np.nan}
    known = [*REQUIRED_LABELS, *OPTIONAL_LABELS]
    others = [name for name in stars.select_dtypes("number") if name not in (*known, "row")]
    labels = stars.assign(**{name: value for name, value in absent.items() if name not in stars})
    return labels[known + others].astype(np.float64)


def _write_table(file, labels):
    """As PyTables stores a table, which is a chunked array of records with three attributes."""
    records = np.asarray(labels.to_records(index=False))
    table = file.create_dataset(TABLE, data=records, maxshape=(None,), chunks=(min(len(records), 4096),))
    for name, value in {"CLASS": "TABLE", "VERSION": "2.7", "TITLE": ""}.items():
        table.attrs[name] = np.bytes_(value)
