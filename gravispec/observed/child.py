"""Users' files are opened in a process of their own, so that a malformed one cannot crash this one."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gravispec
from gravispec.errors import InputError
from gravispec.observed import worker
from gravispec.observed.asked import Asked
from gravispec.observed.raw import Raw, receive

_idle: list[subprocess.Popen] = []  # a process that is not in use reads the next file


def raw_spectra(path: Path, rows: int, asked: Asked) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time, in the order of the file.

    Raises:
        InputError: the file cannot be read, or killed the process that read it.
    """
    process = _idle.pop() if _idle else _start()
    try:
        request = {"folder": os.getcwd(), "path": os.fspath(path), "rows": rows, "asked": vars(asked)}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        while "arrays" in (header := json.loads(process.stdout.readline() or b"{}")):
            yield receive(process.stdout, header)
        if not header:
            raise EOFError
    except (EOFError, BrokenPipeError):
        raise InputError(
            f"{path}: reading it ended the reading process ({_end(process)}); it is damaged: write it again"
        ) from None
    except BaseException:
        _stop(process)
        raise
    if header.get("sane"):
        _idle.append(process)
    else:
        _stop(process)
    if "error" in header:
        raise InputError(header["error"])


def _start() -> subprocess.Popen:
    root = str(Path(gravispec.__path__[0]).parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    # -P: no module is taken from the working directory
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", worker.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    atexit.register(_stop, process)
    return process


def _end(process: subprocess.Popen) -> str:
    """How a process ended that answers no more."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        return "it does not answer"
    finally:
        _stop(process)
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _stop(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
