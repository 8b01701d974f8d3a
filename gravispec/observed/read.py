"""From users' files to batches of spectra on the model's pixels."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from gravispec.observed.child import raw_spectra
from gravispec.observed.prepared import Prepared, prepare


def prepared_batches(
    path: str | os.PathLike,
    wave: np.ndarray,
    *,
    medium: str | None = None,
    velocity: float | Mapping[str, float] | str | None = None,
    template: np.ndarray | None = None,
    batch: int = 2048,
) -> Iterator[Prepared]:
    """Spectra of the FITS or HDF5 file `path` on the model's pixels `wave` (P,), Å, vacuum, at rest.

    Args:
        medium: of the file's wavelengths, air or vacuum; None: as the file declares.
        velocity: radial velocity that is taken out, km/s: one number, {star_id: number}, or the name of a column of the
            file; None: as the file gives, else 0.
        template: (P,) a typical spectrum, against which wavelength offsets are measured.
        batch: spectra in a batch, at most.

    Raises:
        InputError: the file cannot be read or lacks what is needed; single unusable spectra have a `problem` instead.
    """
    path = Path(path)
    column = velocity if isinstance(velocity, str) else None
    for raw in raw_spectra(path, batch, column):
        yield prepare(raw, str(path), wave, medium=medium, velocity=None if column else velocity)
