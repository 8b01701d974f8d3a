"""From users' files to batches of spectra on the model's pixels."""

import os
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from gravispec.data.arrays import blocks
from gravispec.observed.child import raw_spectra
from gravispec.observed.prepared import Prepared, prepare
from gravispec.observed.reading import Reading
from gravispec.spectra.offset import TOLERANCE, wavelength_offset
from gravispec.spectra.wavelength import vacuum_to_air

ROWS = 256  # spectra whose offset is measured at a time, which limits memory


def prepared_batches(
    path: str | os.PathLike,
    wave: np.ndarray,
    reading: Reading | None = None,
    *,
    template: np.ndarray | None = None,
    batch: int = 2048,
    **options,
) -> Iterator[Prepared]:
    """Spectra of the FITS or HDF5 file `path` on the model's pixels `wave` (P,), Å, vacuum, at rest.

    Args:
        template: (P,) a typical spectrum, against which wavelength offsets are measured; None: they are NaN.
        batch: spectra in a batch, at most.
        reading, or options of it: what is said of the spectra; None: what the file says.

    Raises:
        InputError: the file cannot be read or lacks what is needed; single unusable spectra have a `problem` instead.
    """
    path, wave = Path(path), np.asarray(wave, dtype=np.float64)
    reading, offsets = reading or Reading(**options), []
    with closing(raw_spectra(path, batch, reading.asked)) as spectra:
        for raw in spectra:
            prepared = prepare(raw, str(path), wave, reading)
            if template is not None:
                prepared = replace(prepared, offset=_offsets(wave, prepared, template))
                offsets.append(prepared.offset)
            yield prepared
    if offsets:
        _warn_of_offsets(path, wave, np.concatenate(offsets))


def _offsets(wave, prepared, template):
    usable = np.flatnonzero(prepared.problem == "")
    offset = np.full(len(prepared.flux), np.nan)
    for lo, hi in blocks(0, len(usable), ROWS):
        offset[usable[lo:hi]] = wavelength_offset(wave, prepared.flux[usable[lo:hi]], template)
    return offset


def _warn_of_offsets(path, wave, offset):
    """Warn where more than half of the spectra are off by more than `TOLERANCE` pixels."""
    measured = offset[np.isfinite(offset)]
    off = np.abs(measured) > TOLERANCE
    if not len(measured) or not off.mean() > 0.5:
        return
    median, middle = np.median(measured), len(wave) // 2
    air = (wave[middle] - vacuum_to_air(wave[middle])) / (wave[middle] - wave[middle - 1])
    hint = "; air and vacuum are that far apart: check the medium" if abs(abs(median) - air) < TOLERANCE else ""
    warnings.warn(
        f"{path}: {off.sum()} of {len(offset)} spectra are more than {TOLERANCE} pixels from the model's wavelengths, "
        f"by {median:+.1f} in the median{hint}",
        stacklevel=3,
    )
