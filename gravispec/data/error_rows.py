"""Error arrays of a data set, as files have them or from the two numbers a star that the error model needs."""

import numpy as np

from gravispec.data.arrays import RowReader
from gravispec.device import on_device
from gravispec.spectra.observing import error_of


class ErrorRows:
    """1σ errors (N, P) float32 at noise level 1, with the interface of a ``RowReader``.

    The files of built-in data sets have two numbers a star, ``gravispec.spectra.observing.error_parameters``, in the
    place of P pixels: 1,000 times less to write and read, and the errors come out as they were. ``wave`` (P,), Å.
    With a ``device`` rows are tensors there.
    """

    def __init__(self, paths, wave, *, device=None):
        self._rows, self.wave, self._device = RowReader(paths), wave, device
        self.shape, self.dtype = (len(self._rows), len(wave)), np.dtype(np.float32)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        found = self._rows[rows]
        if found.shape[1] == len(self.wave):
            return on_device(found, self._device)
        return error_of(self.wave, found, device=self._device)
