"""What every script does around its work: the log, the origin of what it writes, and errors that help."""

import contextlib
import errno
import json
import os
import sys
import time
from pathlib import Path

from gravispec.data.files import atomic, remove_partial
from gravispec.data.provenance import hash_of, provenance, versions
from gravispec.data.stamp import stamped
from gravispec.errors import InputError
from workflow.scripts.lib.parent import end_with_parent


@contextlib.contextmanager
def job(snakemake):
    """Send all output of the block to the rule's log; on bad input or a full disk end in one line, no traceback.

    Yields where to write the rule's output, as ``atomic`` does: it gets its name when the block has ended.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", buffering=1) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    for stream in (sys.stdout, sys.stderr):  # names in a log are UTF-8, whatever the locale
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    start = time.perf_counter()
    print(f"{snakemake.rule} {dict(snakemake.wildcards)} threads={snakemake.threads}", flush=True)
    end_with_parent()
    remove_partial(*snakemake.output)
    try:
        with stamped(origin(snakemake)), atomic(*snakemake.output) as paths:
            yield paths
    except InputError as error:
        _stop(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _stop(f"error: no space left on the disk of {Path(snakemake.output[0]).parent}: free some and run again")
    print(f"done in {time.perf_counter() - start:.1f} s", flush=True)


def origin(snakemake):
    """Rule, versions, digests of the code, hash of what the configuration gave the rule, and seed."""
    params = dict(snakemake.params.items())
    code = {name: params.pop(name) for name in list(params) if name == "code" or name.endswith("_code")}
    found = {"rule": snakemake.rule, **code, "config_sha256": hash_of(params), "seed": params.get("seed")}
    return found | {"versions": versions()}


def write_provenance(path, snakemake, tables):
    """Write what a run consists of, as JSON; ``tables``: ``{name: path}``, finished but not yet named so."""
    sources, folder = snakemake.input.sources, f"{Path(snakemake.output[0]).parent}/"
    beside = {file for file in snakemake.input if file.startswith(folder)} - set(sources)
    found = provenance(sources=sources, tables=tables, beside=beside, **snakemake.params.behind)
    Path(path).write_text(json.dumps(found, indent=1))


def _stop(message):
    print(message, file=sys.stderr, flush=True)
    raise SystemExit(1)
