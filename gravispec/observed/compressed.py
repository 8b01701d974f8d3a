"""Compressed files: their checksums are known at the end, so they are uncompressed whole before anything is used."""

import bz2
import gzip
import lzma
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO

from gravispec.errors import InputError

OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
UNKNOWN = {b"\x1f\x9d": "compress (.Z)", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}
BLOCK = 2**20  # bytes at a time


def uncompressed(path: Path, file: BinaryIO) -> BinaryIO:
    """`file`, at its start; or, where `path` is compressed, its content in a temporary file, which close() removes.

    Raises:
        InputError: truncated, a wrong CRC or other damage; a kind of compression that is not known; the disk is full.
    """
    start = file.read(8)
    file.seek(0)
    for magic, name in UNKNOWN.items():
        if start.startswith(magic):
            raise InputError(f"{path}: is compressed with {name}, which is not read; uncompress it, or use gzip")
    for magic, opener in OPENERS.items():
        if start.startswith(magic):
            return _copied(path, opener)
    return file


def _copied(path, opener):
    room = shutil.disk_usage(tempfile.gettempdir()).free // 2
    try:
        with tempfile.TemporaryFile() as copy, opener(path) as packed:
            while block := packed.read(BLOCK):
                if copy.tell() > room:
                    raise InputError(
                        f"{path}: uncompressed it takes more than half of the space left in {tempfile.gettempdir()}; "
                        "free some, or uncompress it yourself"
                    )
                copy.write(block)
            copy.seek(0)
            return os.fdopen(os.dup(copy.fileno()), "rb")
    except EOFError:
        raise InputError(f"{path}: its compressed data are truncated; fetch or compress it again") from None
    except (OSError, zlib.error, lzma.LZMAError) as error:
        if getattr(error, "errno", None):  # of the disk, not of the content
            raise
        raise InputError(f"{path}: its compressed data are damaged ({error}); fetch or compress it again") from None
