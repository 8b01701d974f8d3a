"""Where a run's summary comes from: the files that went in, with their SHA-256, configuration, code and versions."""

import hashlib
import json
import platform
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("h5py", "lightgbm", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "torch")


def versions():
    """``{name: version}`` of gravispec, Python and the libraries that numbers come from."""
    # no import statement: every rule would depend on it, and run again for a new version of gravispec
    own = import_module("gravispec.version").VERSION
    found = {"gravispec": own, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name).split("+")[0]  # +cpu, +cu130: of the machine
        except PackageNotFoundError:  # an environment may leave out what its rules do not use
            continue
    return found


def sha256(path):
    """SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of(config):
    """SHA-256 of a configuration, in hexadecimal: of its JSON with sorted keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()


def provenance(run, sources, tables, beside=(), *, config, code):
    """The content of ``provenance.json``, a dict; nothing in it depends on the machine or the time.

    ``sources``: paths of the files that went in; ``tables``: ``{name: path}`` of the tables made from them, which are
    still under ``path``; ``beside``: what else was made, such as figures; ``config``: what the configuration says of
    the run; ``code``: ``{file: digest}``.
    """
    return {
        "run": run,
        "versions": versions(),
        "seed": config["seed"],
        "config_sha256": hash_of(config),
        "config": config,
        "code": code,
        "inputs": {path: _about(path) for path in sorted(set(sources))},
        "outputs": {name: _about(path) for name, path in tables.items()},
        "beside": {path: _about(path) for path in sorted(set(beside))},
    }


def changes(files):
    """``{path: what}`` of recorded files that are not as they were; ``files``: ``{path: {"bytes", "sha256"}}``."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(files, pool.map(_change, *zip(*files.items(), strict=True)), strict=True)) if files else {}
    return {path: what for path, what in found.items() if what}


def _change(path, about):
    if not Path(path).is_file():
        return "missing"
    size = Path(path).stat().st_size
    if size != about["bytes"]:
        return f"changed since the run: {about['bytes']:,} bytes then, {size:,} now"
    return None if sha256(path) == about["sha256"] else "changed since the run: another SHA-256"


def _about(path):
    return {"bytes": Path(path).stat().st_size, "sha256": sha256(path)}
