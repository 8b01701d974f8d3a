"""A limit to the memory that reading a user's file may take: a malformed file can ask for any amount."""

import contextlib
import resource

from gravispec.errors import InputError

LIMIT = 4 * 2**30  # bytes of address space


@contextlib.contextmanager
def limited_memory(files):
    """Within the block this process gets no more than ``LIMIT``. Raises ``InputError`` with ``files`` where it asks."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, before[1]))
    try:
        yield
    except MemoryError:
        named = ", ".join(files)
        raise InputError(
            f"{named}: reading takes more than {LIMIT // 2**30} GiB of memory; a file is damaged: write it again"
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
