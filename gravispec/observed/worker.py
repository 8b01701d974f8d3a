"""The process that opens users' files: ``python -P -m gravispec.observed.worker``.

It reads requests, one line of JSON each, from standard input, and answers on standard output with the batches of
``raw.send`` and a last line, ``{"sane": true}`` or ``{"error": "..."}``. It is sane unless a library raised the error.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

from gravispec.errors import InputError
from gravispec.observed.asked import Asked
from gravispec.observed.formats import raw_spectra
from gravispec.observed.raw import send

MEMORY = 4 * 2**30  # bytes of address space, besides the file itself, which FITS maps


def answer(stream, path: Path, rows: int, asked: Asked) -> None:
    """Send the spectra of `path`; whatever goes wrong becomes one line that names the file."""
    try:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY + path.stat().st_size, most))
        for spectra in raw_spectra(path, rows, asked):
            send(stream, spectra)
        last = {"sane": True}
    except InputError as error:
        last = {"sane": True, "error": str(error)}
    except Exception as error:
        last = {"error": explained(path, error)}
    stream.write(json.dumps(last).encode() + b"\n")
    stream.flush()


def explained(path: Path, error: Exception) -> str:
    """One line for what a library or the system raised."""
    if isinstance(error, MemoryError):
        return f"{path}: reading it takes more than {MEMORY // 2**30} GiB; it is damaged, or has to be split"
    if reason := getattr(error, "strerror", None):
        return f"{path}: cannot be read ({reason}); check its name, its permissions and the disk"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{path}: cannot be read ({reason}); give a complete FITS or HDF5 file"


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to both processes; the other one decides
    with os.fdopen(os.dup(1), "wb", buffering=2**20) as stream:
        os.dup2(2, 1)  # what libraries print must not get between the answers
        for line in sys.stdin:
            request = json.loads(line)
            os.chdir(request["folder"])  # of whom asks, now
            answer(stream, Path(request["path"]), request["rows"], Asked(**request["asked"]))


if __name__ == "__main__":
    main()
