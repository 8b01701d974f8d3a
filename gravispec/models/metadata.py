"""log g from what is known of a star without its spectrum: it must give R² ≈ 0.

More than 0 means that log g follows from the other labels, as in stars along an isochrone: then a model may predict
gravities from the distribution of the training stars, without reading the lines. The trees of ``lightgbm`` look for any
such relation. S/N is left out: it is measured on the flux.
"""

import numpy as np

from gravispec.models.lightgbm import Trees, boosted
from gravispec.models.model import Model
from gravispec.options import Count

DECLARES = ("truth",)
LABELS = ("log_g",)
COLUMNS = ("T_eff", "M_H", "a_M", "C_M", "mag", "redshift")
#: those of lightgbm
SETTINGS = {"learning_rate": 0.05, "feature_fraction": 0.8, "bagging_fraction": 0.8, "bagging_freq": 5, "max_bin": 63}


class Metadata(Model):
    """Trees on the ``columns`` of the table of stars."""

    def __init__(self, trees, columns):
        self.trees, self.columns, self.about = trees, columns, trees.about

    def predict(self, stars):
        """log g of the rows of a table of stars."""
        return {"log_g": self.trees.booster.predict(stars[self.columns].to_numpy(np.float32))}

    def state(self):
        return {"columns": self.columns}, self.trees.state()[1]

    @classmethod
    def build(cls, header, arrays):
        return cls(Trees.build({}, arrays), header["columns"])


def fit(stars, labels, *, leaves: Count = 15, n_trees: Count = 1000, patience: Count = 50, seed, threads=1):
    """``Metadata``: few leaves, for few columns; those of ``COLUMNS`` with finite values throughout count."""
    every = (stars.train, stars.val)
    columns = [c for c in COLUMNS if all(c in part and np.isfinite(part[c]).all() for part in every)]
    train, val = (
        lambda part=part, y=y: (part[columns].to_numpy(np.float32), y[:, 0])
        for part, y in zip(every, (labels.train, labels.val), strict=True)
    )
    settings = SETTINGS | {"num_leaves": leaves}
    trees = boosted(train, val, settings, n_trees=n_trees, patience=patience, seed=seed, threads=threads)
    return Metadata(trees, columns)
