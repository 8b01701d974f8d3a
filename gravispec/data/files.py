"""Whole-or-nothing files: what appears under its name is complete."""

import contextlib
import os
import tempfile
from pathlib import Path


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
            fd, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=f".part{target.suffix}", dir=target.parent)
            os.close(fd)
            partial.append(Path(name))
        yield partial[0] if len(partial) == 1 else tuple(partial)
        for part, target in zip(partial, targets, strict=True):
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(target)
    finally:
        for part in partial:
            part.unlink(missing_ok=True)
