"""The files behind a script, and one digest for all of them.

Snakemake compares a script's modification time and never looks at what the script imports. So every rule carries the
files as ``input`` and their digest in ``params``: together they rerun what an edit concerns, and nothing else.
"""

import ast
import functools
import hashlib
from pathlib import Path

DATA = (".csv", ".html", ".css", ".js")  # package data that modules name


@functools.cache
def imported_files(script, root="."):
    """``script`` and every file under ``root`` that it imports or reads as package data, however deep; sorted names."""
    root, found, todo = Path(root), set(), [Path(script)]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += _read(path, root)[1]
    return sorted(path.as_posix() for path in found)


@functools.cache
def digest(script, root="."):
    """Hash of what the files behind ``script`` say: comments, formatting and time stamps play no part."""
    sha = hashlib.sha256()
    for path in imported_files(script, root):
        content = _read(Path(path), Path(root))[0]
        sha.update(f"{path} {len(content)}\n{content}".encode())
    return sha.hexdigest()[:16]


@functools.cache
def digest_of_file(path, root="."):
    """Hash of what this file alone says."""
    return hashlib.sha256(_read(Path(path), Path(root))[0].encode()).hexdigest()[:16]


@functools.cache  # most files are behind several scripts
def _read(path, root):
    """What a file says, and the files that it needs."""
    text = (root / path).read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text, []
    tree = ast.parse(text, filename=str(path))
    return ast.unparse(tree), [file for file in dict.fromkeys(_needs(path, tree)) if (root / file).is_file()]


def _needs(path, tree):
    """Candidates for files that ``path`` imports, and package data that it names beside itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise SyntaxError(f"{path}: relative imports are not followed; use absolute ones")
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(DATA):
                yield path.parent / node.value
            continue
        for module in modules:
            parts = module.split(".")
            yield Path(*parts).with_suffix(".py")
            for n in range(1, len(parts) + 1):
                yield Path(*parts[:n], "__init__.py")
