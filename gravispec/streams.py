"""Messages that cannot end the work: standard streams that are closed, full, gone or not UTF-8."""

import contextlib
import os
import sys


def never_fail() -> None:
    """From here on writing to standard output and error raises nothing; call it first."""
    # a file of the work must not become stream 1 or 2: whatever a library prints would be written into it
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, Patient):
            setattr(sys, name, Patient(stream))


class Patient:
    """A text stream, or None, that drops what cannot be written."""

    def __init__(self, stream):
        self._stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        if hasattr(self._stream, "reconfigure"):
            self._stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self):
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()
