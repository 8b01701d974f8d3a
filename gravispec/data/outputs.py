"""Where a command may write: never onto what it reads, nor onto the files of a run. Asked before anything is read."""

import json
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from gravispec.data.files import partial_name
from gravispec.errors import InputError

StrPath = str | os.PathLike


def checked_output(
    path: StrPath, *, inputs: Iterable[StrPath] = (), folders: Iterable[StrPath] = (), overwrite: bool = False
) -> Path:
    """``path``, if it may be written to: whole, under its name, in the place of no file but one that it replaces.

    Parameters: ``inputs``, files that the command reads; ``folders``, of runs and data sets, in which nothing is
    replaced; ``overwrite``: a file that is there may be replaced.

    Raises InputError where ``path`` is an input or a file of a run, by whatever name; is there and ``overwrite`` is not
    given; is a folder or a device; or cannot be written, which is tried.
    """
    path = Path(path)
    for file in inputs:
        if same_file(path, file):
            raise InputError(f"{path}: is the input {file}; write to another name")
    if owner := _owner(path, [*folders]):
        raise InputError(f"{path}: is a file of {owner}; write to another folder")
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    if mode is not None and not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise InputError(f"{path}: is {what}; give the name of a file")
    if not os.path.isdir(path.parent):
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if mode is not None and not overwrite:
        raise InputError(f"{path}: is there already; remove it, or give --overwrite")
    try:  # can a file be made beside it, as ``atomic`` will?
        prefix, suffix = partial_name(path)
        with tempfile.NamedTemporaryFile(prefix=prefix, suffix=suffix, dir=path.parent):
            return path
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None


def same_file(one: StrPath, other: StrPath) -> bool:
    """Whether two paths lead to one file that is there: through links, a second name, or another case of letters."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def unique_files(paths: Iterable[StrPath]) -> tuple[list, list]:
    """The paths without those that lead to the file of an earlier one, and pairs (path, earlier) of the others."""
    first, unique, repeated = {}, [], []
    for path in paths:
        try:
            about = os.stat(path)
            key = (about.st_dev, about.st_ino)
        except (OSError, ValueError):
            key = os.path.abspath(path)
        if key in first:
            repeated.append((path, first[key]))
        else:
            first[key] = path
            unique.append(path)
    return unique, repeated


def _owner(path: Path, folders: list) -> str | None:
    """The run, or folder of the workflow, that has or makes the file ``path``."""
    real = Path(os.path.realpath(path))
    results = [folder for folder in real.parents if folder.name == "results"]
    for folder in results:
        inside = real.relative_to(folder).parts
        of_workflow = len(inside) > 1 and not (inside[0] == "catalogues" and len(inside) == 2)
        if of_workflow and os.path.isfile(folder.parent / "Snakefile"):
            return str(folder / inside[0])
    if not os.path.isfile(real):
        return None
    if real.name == "model.safetensors":
        return str(real.parent)
    for folder in map(Path, folders):
        inside = Path(os.path.realpath(folder)) in real.parents
        if inside or (real.stat().st_nlink > 1 and any(same_file(real, file) for file in folder.rglob("*"))):
            return str(folder)
    near = [Path("results"), *results, *(Path(os.path.realpath(f)).parent for f in folders)]
    records = [file for folder in near for file in folder.glob("*/provenance.json")]
    records += [folder / "provenance.json" for folder in list(real.parents)[:2]]
    return next((str(record.parent) for record in records if _lists(record, real)), None)


def _lists(record: Path, real: Path) -> bool:
    """Whether a run's provenance.json names the file, or lies above it."""
    try:
        about = json.loads(record.read_text(encoding="utf-8"))
        named = [*about["inputs"], *about["outputs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    root = Path(os.path.realpath(record)).parents[2]
    inside = Path(os.path.realpath(record)).parent in real.parents
    return inside or any(same_file(real, root / name) for name in named)


def _unwritable(path, error):
    reason = getattr(error, "strerror", None) or error
    return InputError(f"{path}: cannot be written ({reason}); write to another folder or name")
