"""Whole-or-nothing files: what appears under its name is complete."""

import contextlib
import glob
import hashlib
import os
import tempfile
from pathlib import Path

from gravispec.data.stamp import stamp


@contextlib.contextmanager
def atomic(*paths):
    """Yield a temporary path beside each of ``paths``; on success move all of them to their names.

    On any error the temporary files are removed and ``paths`` are left as they were. Yields a single
    ``pathlib.Path`` for one path and a tuple for several.
    """
    targets = [Path(p) for p in paths]
    partial = []
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            prefix, suffix = partial_name(target)
            fd, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=target.parent)
            os.close(fd)
            partial.append(Path(name))
        yield partial[0] if len(partial) == 1 else tuple(partial)
        for part in partial:
            stamp(part)
        for part, target in zip(partial, targets, strict=True):
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(target)
    finally:
        for part in partial:
            part.unlink(missing_ok=True)


def remove_partial(*paths):
    """Remove what processes that were killed while they wrote ``paths`` left beside them."""
    for target in map(Path, paths):
        prefix, suffix = partial_name(target)
        for part in target.parent.glob(f"{glob.escape(prefix)}*{glob.escape(suffix)}"):
            part.unlink(missing_ok=True)


def partial_name(target):
    """How the name of a partial file begins and ends; with what is between no longer than a name may be."""
    stem, longest = target.stem, 255 - len(f"..12345678.part{target.suffix}")
    if len(os.fsencode(stem)) > longest:
        digest = hashlib.sha256(os.fsencode(stem)).hexdigest()[:16]
        stem = stem[: (longest - len(digest)) // 4] + digest  # a character has 4 bytes at most
    return f".{stem}.", f".part{target.suffix}"
