"""Finished rows are never thrown away: what ends the work early, a signal, a full disk or a fault, has them written."""

import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gravispec.data.text import NOT_TEXT, encoded, needs_encoding
from gravispec.errors import InputError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """A signal asked the process to end."""


@contextlib.contextmanager
def kept(rows: list[pd.DataFrame], target: Path) -> Iterator[None]:
    """Whatever ends the block early, ``rows``, to which it appends tables, are written to a file, which is named.

    Ends in SystemExit: 128 + its number after a signal, 1 where ``target`` cannot be written; faults go on as they are.
    """
    try:
        with _signals():
            yield
    except (Exception, KeyboardInterrupt) as error:
        with _signals(signal.SIG_IGN):
            where = rescue(rows, target)
        number = error.args[0] if isinstance(error, Ended) else None
        if number is None and not isinstance(error, OSError | InputError):
            print(f"error: {target} is not written; {where}", file=sys.stderr)
            raise
        why = signal.Signals(number).name if number else getattr(error, "strerror", None) or error
        print(f"error: {target}: not written ({why}); {where}", file=sys.stderr)
        raise SystemExit(128 + number if number else 1) from None


def rescue(rows: list[pd.DataFrame], target: Path) -> str:
    """Write the tables as one CSV beside ``target``, else here, among temporary files, or on stdout. Says where."""
    if not sum(map(len, rows)):
        return "no row was finished"
    table = writable(pd.concat(rows, ignore_index=True), NOT_TEXT)
    about = f"the {len(table)} finished rows are in"
    for folder in (lambda: target.parent, Path.cwd, tempfile.gettempdir):
        with contextlib.suppress(OSError):
            return f"{about} {_csv(table, folder(), target.stem)}"
    table.to_csv(sys.stdout, index=False)
    return f"no folder can be written either: {about} the standard output (CSV)"


def writable(table: pd.DataFrame, unfit: str) -> pd.DataFrame:
    """The table with its texts encoded, if any of them has what ``unfit`` matches; else as it is."""
    columns = table.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes]]
    if not any(needs_encoding(map(str, table[name].unique()), unfit) for name in columns):
        return table
    return table.assign(**{name: [encoded(str(text), unfit) for text in table[name]] for name in columns})


def _csv(table, folder, stem):
    name = f"{stem[:50]}.rescue."
    with tempfile.NamedTemporaryFile("w", prefix=name, suffix=".csv", dir=folder, encoding="utf-8", newline="",
                                     delete=False) as file:  # fmt: skip
        try:
            table.to_csv(file, index=False)
            file.flush()
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return file.name


@contextlib.contextmanager
def _signals(handler=None):
    """Within the block the signals raise ``Ended``, or meet ``handler``; those that are ignored are left so."""

    def end(number, frame):
        raise Ended(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    changed = {number: old for number, old in before.items() if old not in (signal.SIG_IGN, None)}
    try:
        for number in changed:
            signal.signal(number, handler or end)
        yield
    finally:
        for number, old in changed.items():
            signal.signal(number, old)
