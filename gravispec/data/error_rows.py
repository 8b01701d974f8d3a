"""1σ errors of a data set, as files have them or from the two numbers a star that the error model needs."""

import numpy as np

from gravispec.data.arrays import RowReader
from gravispec.device import host, like, on_device
from gravispec.spectra.observing import error_of


class ErrorRows:
    """1σ errors (N, P) float32, with the interface of a ``RowReader``.

    Files beside clean flux have the errors at noise level 1, those beside noisy flux its sigma. Of built-in data sets
    they have two numbers a star, ``gravispec.spectra.observing.error_parameters``, in the place of P pixels, and for
    sigma a third, its factor: 1,000 times less to write and read, and the errors come out as they were. ``wave`` (P,),
    Å. With a ``device`` rows are tensors there.
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
        error = error_of(self.wave, found[:, :2], device=self._device)
        if found.shape[1] > 2:
            error *= like(found[:, 2:].astype(np.float32), error)
        return error

    def width(self, scale_width):
        """Columns of a file of these errors times numbers of this width, 1 or P."""
        return 3 if self._rows.shape[1] == 2 and scale_width == 1 else len(self.wave)

    def scaled(self, rows, scale):
        """What such a file has of ``rows``, a slice, times ``scale``, (m, 1) or (m, P)."""
        if self.width(scale.shape[1]) == 3:
            return np.hstack([self._rows[rows], scale])
        return host(self[rows]) * scale
