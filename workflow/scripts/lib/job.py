"""What every script does around its work: the log, and errors that help."""

import contextlib
import errno
import os
import sys
import time
from pathlib import Path

from gravispec.errors import InputError


@contextlib.contextmanager
def job(snakemake):
    """Send all output of the block to the rule's log; on bad input or a full disk end in one line, no traceback."""
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", buffering=1) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    start = time.perf_counter()
    print(f"{snakemake.rule} {dict(snakemake.wildcards)} threads={snakemake.threads}", flush=True)
    try:
        yield
    except InputError as error:
        _stop(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _stop(f"error: no space left on the disk of {Path(snakemake.output[0]).parent}: free some and run again")
    print(f"done in {time.perf_counter() - start:.1f} s", flush=True)


def _stop(message):
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(1)
