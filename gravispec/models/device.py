"""Where a network is trained."""

import torch

from gravispec.errors import InputError


def choose_device(wanted, *, gpu=1):
    """``cuda`` or ``cpu`` for ``auto``, ``cpu`` or ``cuda`` of the configuration; ``gpu``: cards given to the job.

    ``auto`` takes CUDA where there is a card. Raises ``InputError`` where ``cuda`` is wanted and cannot be had.
    """
    available = bool(gpu) and torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise InputError("device: cuda is wanted, but this job sees no GPU; use device: auto, or cpu")
    return "cuda" if available and wanted != "cpu" else "cpu"
