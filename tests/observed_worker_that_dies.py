"""A reading process whose libraries abort on files called crash, and allocate without end on files called greedy."""

import os

from gravispec.observed import worker

well = worker.raw_spectra


def raw_spectra(path, rows, velocity):
    if "crash" in path.name:
        yield from well(path, rows, velocity)
        os.abort()
    blocks = [bytearray(2**28) for _ in range(2**10 if "greedy" in path.name else 0)]
    yield from well(path, rows, velocity)
    del blocks


worker.raw_spectra = raw_spectra
worker.main()
