"""Tensors with a header in one safetensors file: networks on disk, no part of them code."""

import json

from gravispec.errors import InputError

# safetensors is imported where files are: `python -m benchmarks.gpu` runs where it is not installed


def save_tensors(path, key, header, tensors):
    """Write ``{name: tensor}``, and the ``header`` as JSON under ``key`` of the file's metadata."""
    from safetensors.torch import save_file

    save_file(tensors, str(path), {key: json.dumps(header)})


def load_tensors(path, key, expected):
    """``(header, {name: tensor})``; raises ``InputError`` for a file that is not of the format ``expected``."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as file:
            header = json.loads((file.metadata() or {}).get(key, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: no safetensors file ({error}); delete it and rerun") from None
    if header.get("format") != expected:
        raise InputError(f"{path}: format {header.get('format')!r}, expected {expected!r}; delete it and rerun")
    return header, tensors
