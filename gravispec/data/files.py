"""Whole-or-nothing files: what appears under its name is complete."""

import contextlib
import glob
import hashlib
import os
import secrets
from pathlib import Path

from gravispec.data.stamp import stamp


@contextlib.contextmanager
def atomic(*paths):
    """Yield a temporary path beside each of ``paths``; on success move all of them to their names.

    On any error the temporary files are removed and ``paths`` are left as they were, as are those for which nothing was
    written. Yields a single ``pathlib.Path`` for one path and a tuple for several.
    """
    targets = {}
    for target in map(Path, paths):
        target.parent.mkdir(parents=True, exist_ok=True)
        targets[target.with_name(secrets.token_hex(4).join(partial_name(target)))] = target
    try:
        yield next(iter(targets)) if len(targets) == 1 else tuple(targets)
        written = [part for part in targets if part.exists()]
        for part in written:
            stamp(part)
        for part in written:
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(targets[part])
    finally:
        for part in targets:
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
