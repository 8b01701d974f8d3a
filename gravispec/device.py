"""Where the heavy work is done: with NumPy, or with PyTorch on a GPU through the same code.

Functions that say so take NumPy arrays or tensors, all on one device, and give back what they were given. PyTorch is
imported only where a device is asked for.
"""

import sys

import numpy as np

from gravispec.errors import InputError


def choose_device(wanted, *, gpu=1):
    """``cuda`` or ``cpu`` for ``auto``, ``cpu`` or ``cuda`` of the configuration; ``gpu``: cards given to the job.

    ``auto`` takes CUDA where there is a card. Raises ``InputError`` where ``cuda`` is wanted and cannot be had.
    """
    available = bool(gpu) and wanted != "cpu" and _cuda()
    if wanted == "cuda" and not available:
        raise InputError("device: cuda is wanted, but this job sees no GPU; use device: auto, or cpu")
    return "cuda" if available else "cpu"


def array_device(resources):
    """Device of the arrays of a job with these ``device`` and ``gpu``: ``cuda``, or None for NumPy.

    The job can do without a card, so that ``gpu`` 0 is no error where ``device`` is ``cuda``.
    """
    return "cuda" if resources.gpu and choose_device(resources.device) == "cuda" else None


def namespace(array):
    """``numpy``, or ``torch`` for a tensor: the functions that both have under one name."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(array, torch.Tensor) else np


def on_device(array, device):
    """The array as NumPy's for device None, else as a tensor on it: ``cuda``, or ``cpu`` for PyTorch without a GPU."""
    if device is None:
        return np.asarray(array)
    import torch

    return torch.as_tensor(array, device=device)


def device_of(array):
    """The device of a tensor, None for NumPy."""
    return None if namespace(array) is np else array.device


def like(array, reference):
    """The array where ``reference`` is."""
    return on_device(array, device_of(reference))


def host(array):
    """The array as NumPy's."""
    return array if namespace(array) is np else array.cpu().numpy()


def _cuda():
    import torch

    return torch.cuda.is_available()
