"""The parts of a catalogue, one a file of spectra: their names, and their rows together."""

import hashlib
import os
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from gravispec.errors import InputError

LONGEST = 150  # bytes; .benchmark.tsv and the like follow


def part_names(paths):
    """``{part: path}``: a part is called as its file; a digest follows where that is too long, or a name of two."""
    plain = {path: re.sub(r"[^\w.-]+", "_", path) for path in paths}
    taken = Counter(name.casefold() for name in plain.values())
    for path, name in plain.items():
        if taken[name.casefold()] > 1 or len(os.fsencode(name)) > LONGEST:
            digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
            plain[path] = f"{os.fsencode(name)[-LONGEST:].decode('utf-8', 'ignore')}_{digest}"
    return {name: path for path, name in plain.items()}


def joined(rows, problems):
    """Rows of all parts as one table, and what is wrong with files, from paths. InputError if none could be read."""
    problems = [text for path in problems if (text := Path(path).read_text(encoding="utf-8"))]
    table = pd.concat([pd.read_parquet(path) for path in rows], ignore_index=True)
    if table.empty:
        raise InputError(f"no file could be read; the first: {problems[0]}")
    return table, problems
