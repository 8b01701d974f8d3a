"""A dataclass of arrays and numbers as one .npz file, without pickle."""

from dataclasses import fields
from pathlib import Path
from typing import BinaryIO, TypeVar
from zipfile import BadZipFile

import numpy as np

from gravispec.errors import InputError

Record = TypeVar("Record")


def save_npz(file: str | Path | BinaryIO, record: object) -> None:
    """Write every field of a dataclass to `file` (a path that ends in .npz, or an open binary file)."""
    np.savez(file, allow_pickle=False, **{field.name: getattr(record, field.name) for field in fields(record)})


def load_npz(file: str | Path | BinaryIO, kind: type[Record]) -> Record:
    """Read a dataclass of type `kind`, scalars as Python numbers. InputError if the file is something else."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            values = {field.name: arrays[field.name] for field in fields(kind)}
    except (ValueError, KeyError, AttributeError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(f"{file}: not a saved {kind.__name__} ({error}); make the file again") from error
    return kind(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})
