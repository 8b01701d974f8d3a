"""DATASUM and CHECKSUM of FITS files (FITS standard 4.0, section 4.4.2.7 and appendix J), verified where they exist."""

import shlex
from pathlib import Path
from typing import BinaryIO

import numpy as np
from astropy.io import fits

from gravispec.errors import InputError

BLOCK = 2**22  # bytes at a time, which limits memory
ALL_ONES = 2**32 - 1


def ones_complement(blocks, total: int = 0) -> int:
    """Sum of big-endian 32-bit words in `blocks` of bytes, added to `total`, with the carries added at the low end."""
    for block in blocks:
        total += int(np.frombuffer(block, ">u4").sum(dtype=np.uint64))
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def verify(path: Path, file: BinaryIO, hdus: fits.HDUList) -> None:
    """Compare the sums of every HDU with what its header states; HDUs that state none are not read.

    Raises:
        InputError: names the HDU whose sum differs.
    """
    for index, hdu in enumerate(hdus):
        place = hdu.fileinfo()
        file.seek(place["hdrLoc"])
        header = file.read(place["datLoc"] - place["hdrLoc"])
        stated = _stated(header)
        if not any(stated.values()):
            continue
        data = ones_complement(_blocks(file, place["datSpan"]))
        if stated.get("DATASUM") and stated["DATASUM"] != str(data):
            raise _damaged(path, index, "data", "DATASUM")
        # minus zero is zero
        if stated.get("CHECKSUM") and ones_complement([header], data) not in (0, ALL_ONES):
            raise _damaged(path, index, "header or data", "CHECKSUM")


def _stated(header):
    """The text of the two keywords in the bytes of a header; as they stand in the file, also of compressed images."""
    cards = (header[i : i + 80] for i in range(0, len(header), 80))
    sums = [card for card in cards if card.startswith((b"DATASUM =", b"CHECKSUM="))]
    cards = [fits.Card.fromstring(card) for card in sums]
    return {card.keyword: str(card.value).strip() for card in cards}


def _blocks(file, size):
    while size > 0 and (block := file.read(min(size, BLOCK))):
        size -= len(block)
        yield block


def _damaged(path, index, what, keyword):
    return InputError(
        f"{path}[{index}]: its {what} do not have the sum that {keyword} states: damaged, fetch it again; if it was "
        f"edited on purpose, state the new sum: fitscheck --write --force {shlex.quote(str(path))}"
    )
