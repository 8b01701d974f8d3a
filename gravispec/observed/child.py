"""Users' files are opened in a process of their own, so that a malformed one cannot crash this one."""

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
from gravispec.observed.raw import Raw, receive

_idle: list[subprocess.Popen] = []  # a process that has read its file without error reads the next one


def raw_spectra(path: Path, rows: int, velocity: str | None) -> Iterator[Raw]:
    """Spectra of `path`, at most `rows` at a time, in the order of the file.

    Raises:
        InputError: the file cannot be read, or killed the process that read it.
    """
    process = _idle.pop() if _idle else _start()
    try:
        request = {"path": os.fspath(path), "rows": rows, "velocity": velocity}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        while True:
            header = json.loads(process.stdout.readline() or b"null")
            if header is None:
                raise EOFError
            if "arrays" not in header:
                break
            yield receive(process.stdout, header)
    except (EOFError, BrokenPipeError):
        raise InputError(f"{path}: {_end(process)}; it is damaged: write it again, or leave it out") from None
    except BaseException:
        _end(process)
        raise
    if "error" in header:
        _end(process)
        raise InputError(header["error"])
    _idle.append(process)


def _start() -> subprocess.Popen:
    root = str(Path(gravispec.__path__[0]).parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    # -P: no module is taken from the working directory
    return subprocess.Popen(
        [sys.executable, "-P", "-m", worker.__name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def _end(process: subprocess.Popen) -> str:
    """How the process ended; ends it where it has not."""
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        code = process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return f"reading it ended the reading process ({how})"
