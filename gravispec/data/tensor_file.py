"""Tensors with a header in one safetensors file: networks on disk, no part of them code."""

import contextlib
import json
import os
import stat

from gravispec.errors import InputError

# safetensors is imported where files are: `python -m benchmarks.gpu` runs where it is not installed


def save_tensors(path, key, header, tensors):
    """Write ``{name: tensor}``, and the ``header`` as JSON under ``key`` of the file's metadata."""
    from safetensors.torch import save_file

    save_file(tensors, str(path), {key: json.dumps(header)})


def load_tensors(path, key, expected):
    """``(header, {name: tensor})``; raises ``InputError`` for a file that is not of the format ``expected``."""
    header, tensors = read_tensors(path, key, "no safetensors file", "delete it and rerun")
    if header.get("format") != expected:
        raise InputError(f"{path}: format {header.get('format')!r}, expected {expected!r}; delete it and rerun")
    return header, tensors


def read_tensors(path, key, what, remedy):
    """``(header, {name: tensor})`` of any format; ``InputError`` where there is no such file, with ``what`` it is."""
    from safetensors import SafetensorError, safe_open

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            raise OSError("a folder, or no regular file")
        with safe_open(str(path), "pt") as file:
            header = json.loads((file.metadata() or {}).get(key, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if not isinstance(header, dict):
            raise ValueError(f"its header is {type(header).__name__}, not an object")
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path}: {what} ({reason}); {remedy}") from None
    return header, tensors


@contextlib.contextmanager
def named(path):
    """``InputError`` of the block gets the file's name, and what to do; so do keys that its header lacks."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}; delete it and rerun") from None
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: its header does not describe a network ({error!r}); delete it and rerun") from None


def filled(make, tensors):
    """The network ``make()`` with these tensors; ``InputError`` where they are not all of its own, or have NaN."""
    import torch

    with torch.device("meta"):  # shapes without memory: a damaged header may ask for any number of units
        network = make()
    for name, expected in network.state_dict().items():
        check_tensor(name, tensors, expected.shape, expected.dtype)
        if tensors[name].isnan().any():
            raise InputError(f"tensor {name} has NaN")
    if foreign := sorted(set(tensors) - set(network.state_dict())):
        raise InputError(f"tensor {foreign[0]} is no part of the network")
    network.load_state_dict(tensors, assign=True)
    return network


def n_inputs(tensors):
    """Number of features that the first layer of a network takes."""
    return check_tensor("net.0.weight", tensors).shape[-1]


def check_tensor(name, tensors, shape=None, *dtypes):
    """The tensor of this name; ``InputError`` where there is none, or it has another shape or type."""
    if name not in tensors:
        raise InputError(f"tensor {name} is missing")
    found = tensors[name]
    if shape is None:
        return found
    if tuple(found.shape) != tuple(shape):
        raise InputError(f"tensor {name} has shape {tuple(found.shape)}, expected {tuple(shape)}")
    if found.dtype not in dtypes:
        allowed = " or ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)
        raise InputError(f"tensor {name} is {str(found.dtype).removeprefix('torch.')}, expected {allowed}")
    return found
