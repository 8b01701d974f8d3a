"""What the fits of a run's models said of themselves."""

from gravispec.data.tensor_file import load_tensors
from gravispec.models.model import FORMAT


def about_fits(cells, paths):
    """``{(noise level, n_train, model): about}`` of the ``paths`` of fitted models, cell by cell, model by model."""
    keys = [(level, n_train, name) for level, n_train, names in cells for name in names]
    return {key: load_tensors(path, "model", FORMAT)[0]["about"] for key, path in zip(keys, paths, strict=True)}
