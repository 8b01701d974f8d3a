"""The likeliest expert of a mixture alone: the one with the largest weight."""

from dataclasses import dataclass

from gravispec.models.bins import mixed, one_hot
from gravispec.models.model import Model

DECLARES = ("weights",)
NEEDS = ("weights",)


@dataclass
class Hard(Model):
    """Routes by the weights of the mixture that it is ``of``."""

    def predict(self, other, experts):
        """Labels by the expert of largest weight; the first of several."""
        return mixed(experts, one_hot(other["w"].argmax(axis=1), experts.shape[1]))


def fit(*, of: str = "classify"):
    """``Hard``; ``of``: a mixture."""
    return Hard()
