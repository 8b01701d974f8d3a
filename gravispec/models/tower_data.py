"""What a tower is trained and measured on: the tables of its families, joined star by star."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gravispec.data.features import feature_matrix, read_about
from gravispec.data.stars import training_mask, validation_mask

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class TowerData:
    """The first ``n_train`` training stars, the first ``n_val`` validation stars and all test stars, in file order."""

    stars: pd.DataFrame  # star_id, split, log_g (dex)
    features: np.ndarray  # (N, D) float32, the families in the order given
    ridge_column: int  # where family ridge stands
    about: list  # what each family's table says of itself

    @classmethod
    def read(cls, *, stars, families, n_train, n_val):
        """From the table of stars and ``families``, ``{family: path of its table}``; all of the same stars."""
        stars = pd.read_parquet(stars, columns=["star_id", "split", "log_g"])
        test = (stars["split"] == "test").to_numpy()
        keep = training_mask(stars, n_train) | validation_mask(stars, n_val) | test
        blocks = {}
        for family, path in families.items():
            table = pd.read_parquet(path)
            if not table["star_id"].equals(stars["star_id"]):
                raise ValueError(f"{path} is of other stars")
            blocks[family] = feature_matrix(table, family)[keep].astype(np.float32)
        before = list(families)[: list(families).index("ridge")]
        return cls(
            stars=stars[keep].reset_index(drop=True),
            features=np.hstack(list(blocks.values())),
            ridge_column=sum(blocks[family].shape[1] for family in before),
            about=[read_about(path) for path in families.values()],
        )

    def part(self, split):
        """Features (N, D) and log_g (N,) of one split."""
        rows = (self.stars["split"] == split).to_numpy()
        return self.features[rows], self.stars.loc[rows, "log_g"].to_numpy(copy=True)

    @property
    def ridge(self):
        """The Ridge prediction (N,), dex."""
        return self.features[:, self.ridge_column].astype(np.float64)
