"""Arrays with a header in one safetensors file: models on disk, no part of them code."""

import json
import os
import stat

import numpy as np

from gravispec.errors import InputError

# safetensors is imported where files are: `python -m benchmarks.gpu` runs where it is not installed


def save_tensors(path, key, header, arrays):
    """Write ``{name: array}``, and the ``header`` as JSON under ``key`` of the file's metadata."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, str(path), {key: json.dumps(header)})


def load_tensors(path, key, expected):
    """``(header, {name: array})``; raises ``InputError`` for a file that is not of the format ``expected``."""
    header, arrays = read_tensors(path, key, "no safetensors file", "delete it and rerun")
    if header.get("format") != expected:
        raise InputError(f"{path}: format {header.get('format')!r}, expected {expected!r}; delete it and rerun")
    return header, arrays


def read_tensors(path, key, what, remedy):
    """``(header, {name: array})`` of any format; ``InputError`` where there is no such file, with ``what`` it is."""
    from safetensors import SafetensorError, safe_open

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            raise OSError("a folder, or no regular file")
        with safe_open(str(path), "np") as file:
            header = json.loads((file.metadata() or {}).get(key, "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if not isinstance(header, dict):
            raise ValueError(f"its header is {type(header).__name__}, not an object")
        for name, array in arrays.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                raise ValueError(f"tensor {name} has NaN")
    except (SafetensorError, ValueError, OSError, RecursionError, TypeError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path}: {what} ({reason}); {remedy}") from None
    return header, arrays
