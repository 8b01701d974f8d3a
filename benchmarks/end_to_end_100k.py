"""``end_to_end`` at the size of the main job: 13 GB of memory and 40 minutes, so it is no part of ``make bench``.

By hand: ``python -m benchmarks --only end_to_end_100k``.
"""

from benchmarks.end_to_end import compared


def measure(folder, *, quick):
    return compared(folder, 1500 if quick else 100_000, quick=quick)
