"""The expert of the true bin: a reference for gates, which may beat it, and no model that can be deployed."""

from dataclasses import dataclass

import numpy as np

from gravispec.models.bins import Bins, mixed, one_hot
from gravispec.models.model import Model

DECLARES = ("truth",)


@dataclass
class Oracle(Model):
    """Routes by the true labels and the edges of the bins."""

    T_eff: list
    M_H: list

    def predict(self, stars, experts):
        """Labels by the expert of the true bin; NaN for stars outside the bins."""
        bins = Bins(self.T_eff, self.M_H)
        of_star = bins.of(stars["T_eff"], stars["M_H"])
        found = mixed(experts, one_hot(of_star, len(bins)))
        return {name: np.where(of_star < 0, np.nan, values.T).T for name, values in found.items() if name != "w"}


def fit(bins):
    """``Oracle`` of these bins."""
    return Oracle(list(bins.T_eff), list(bins.M_H))
