"""Independent, reproducible random streams, each named by what it is used for."""

import hashlib

import numpy as np

from gravispec.errors import InputError


def _key_word(key: str | int | float) -> int:
    """One 64-bit word of `key`: the BLAKE2 digest of its type and exact value (float: its IEEE bits)."""
    if isinstance(key, str):
        content = b"s" + key.encode()
    elif isinstance(key, int | np.integer):
        content = b"i" + str(int(key)).encode()
    else:
        content = b"f" + np.float64(key).tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def stream_entropy(*, seed: int, keys: tuple[str | int | float, ...]) -> tuple[int, ...]:
    """32-bit words that name a stream: two for the seed, two for each key.

    A fixed number of words a key keeps the names of different streams apart (numpy's `SeedSequence` drops leading
    zero words of an integer, so that (1, 2**32) and (1, 0, 1) would be one stream).

    Raises:
        InputError: seed negative, above 2**64 - 1 or not an integer.
    """
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise InputError(f"seed {seed!r}: must be an integer from 0 to 2**64 - 1")
    words = (int(seed), *(_key_word(key) for key in keys))
    return tuple(part for word in words for part in (word & 0xFFFFFFFF, word >> 32))


def generator(entropy: tuple[int, ...], *, row: int = 0) -> np.random.Generator:
    """SFC64 generator of one row of the stream named by `entropy` (from `stream_entropy`)."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=(row,))))
