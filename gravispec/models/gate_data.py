"""What the gates are fitted on: features, experts' predictions and bins of the validation stars."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gravispec.data.features import feature_matrix
from gravispec.data.stars import training_mask
from gravispec.models.bins import UNCOVERED, assign
from gravispec.models.mixture import VALIDATION_PARTS, validation_parts


@dataclass(frozen=True)
class GateData:
    """Validation stars in file order, and the standardisation of the features, which comes from the training stars."""

    features: np.ndarray  # (N, F)
    experts: np.ndarray  # (N, K) dex
    log_g: np.ndarray  # (N,) dex
    bins: np.ndarray  # (N,) int, -1 where uncovered
    part: np.ndarray  # (N,) one of VALIDATION_PARTS
    mean: np.ndarray  # (F,)
    scale: np.ndarray  # (F,)

    @classmethod
    def read(cls, *, stars, features, experts, n_train, edges, fit, stop):
        """Read the tables at these paths; ``edges`` and the fractions ``fit``, ``stop`` as in the configuration."""
        stars = pd.read_parquet(stars)
        features = feature_matrix(pd.read_parquet(features), "window")
        train = features[training_mask(stars, n_train)]
        val = (stars["split"] == "val").to_numpy()
        experts = pd.read_parquet(experts).set_index("star_id").loc[stars.loc[val, "star_id"]]
        labels = stars[val]
        return cls(
            features=features[val],
            experts=experts.filter(regex=r"^expert_\d+$").to_numpy(),
            log_g=labels["log_g"].to_numpy(),
            bins=assign(labels["T_eff"], labels["M_H"], **edges),
            part=validation_parts(int(val.sum()), fit=fit, stop=stop),
            mean=train.mean(axis=0),
            scale=np.maximum(train.std(axis=0), 1e-12),
        )

    def covered(self, part):
        """Indices of the covered stars of one part of the validation split."""
        if part not in VALIDATION_PARTS:
            raise ValueError(f"part {part!r}: one of {VALIDATION_PARTS}")
        return np.flatnonzero((self.part == part) & (self.bins != UNCOVERED))

    def mixture_set(self, part):
        """Features, experts' predictions and log_g of the covered stars of one part."""
        rows = self.covered(part)
        return self.features[rows], self.experts[rows], self.log_g[rows]
