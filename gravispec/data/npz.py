"""Dataclasses of arrays and numbers, each as one .npz file, without pickle."""

from dataclasses import fields
from pathlib import Path
from typing import BinaryIO, Self, TypeVar
from zipfile import BadZipFile

import numpy as np

from gravispec.errors import InputError

Kind = TypeVar("Kind")


class Record:
    """Base class of a dataclass of arrays and numbers."""

    def save(self, file: str | Path | BinaryIO) -> None:
        """Write every field to `file` (a path that ends in .npz, or an open binary file)."""
        np.savez(file, allow_pickle=False, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, file: str | Path | BinaryIO) -> Self:
        """As `load_npz`."""
        return load_npz(file, cls)


def load_npz(file: str | Path | BinaryIO, kind: type[Kind]) -> Kind:
    """Read a dataclass of type `kind`, scalars as Python numbers. InputError if the file is something else."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            values = {field.name: arrays[field.name] for field in fields(kind)}
    except (ValueError, KeyError, AttributeError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(f"{file}: not a saved {kind.__name__} ({error}); make the file again") from error
    return kind(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})
