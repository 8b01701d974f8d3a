"""A mixture where one expert has enough weight, and the global Ridge where none has."""

from dataclasses import dataclass

import numpy as np

from gravispec.labels import LABELS
from gravispec.models.model import Model
from gravispec.options import Share

NEEDS = ("weights",)


@dataclass
class Fallback(Model):
    """weight: the largest weight of an expert below which the Ridge predicts."""

    weight: float

    def predict(self, other, ridge):
        """Labels of the mixture that it is ``of``, or of the Ridge (m, T)."""
        unsure = other["w"].max(axis=1) < self.weight
        return {label: np.where(unsure, ridge[:, t], other[label]) for t, label in enumerate(LABELS)}


def fit(*, of: str = "mlp", weight: Share = 0.5):
    """``Fallback``; ``of``: a mixture."""
    return Fallback(weight)
