"""The table of a run: labels by every model for every validation and test star, with S/N, χ², bins, use of stars."""

import pandas as pd

from gravispec.data.features import feature_matrix
from gravispec.data.stars import part_of_stars, training_mask
from gravispec.errors import InputError
from gravispec.models.bins import UNCOVERED, Bins

ABOUT = ["T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "snr"]


def predictions(stars, cells, *, leading, edges, validation):
    """A row a cell and star that is not trained on, cells one after the other.

    stars : table of all stars
    cells : ``(noise level, n_train, features of family quality, {model: its table of predictions})`` each
    leading : the model whose log g has to lie in the range of the training stars, elsewhere a star is at the ``edge``
    edges, validation : of the bins, and the fractions ``fit`` and ``stop`` of the validation stars

    Raises ``InputError`` where a model predicted other stars.
    """
    others = (stars["split"] != "train").to_numpy()
    kept = stars.loc[others, ["star_id", "split", *ABOUT]].reset_index(drop=True)
    kept.insert(2, "part", part_of_stars(stars, fit=validation["fit"], stop=validation["stop"])[others])
    kept["bin"] = Bins(**edges).of(kept["T_eff"], kept["M_H"])
    parts = []
    for level, n_train, quality, tables in cells:
        measured = feature_matrix(quality[others], "quality")
        about = kept.assign(snr_measured=measured[:, 0], chi2=measured[:, 1])
        about.insert(0, "noise_level", level)
        about.insert(1, "n_train", n_train)
        for model, table in tables.items():
            if not table["star_id"].equals(kept["star_id"]):
                raise InputError(f"the predictions of {model} are of other stars; make them again")
        table = pd.concat([about, *(_named(table, model) for model, table in tables.items())], axis=1)
        trained = stars.loc[training_mask(stars, n_train), "log_g"]
        lead = table[leading] if leading in table else trained.mean()
        edge = (lead < trained.min()) | (lead > trained.max())
        parts.append(table.assign(uncovered=table["bin"] == UNCOVERED, edge=edge))
    return pd.concat(parts, ignore_index=True)


def _named(table, model):
    """The columns of a model's predictions as a run calls them: log g by its name, ``T_eff_mlp``, ``w_mlp_3``."""
    names = {}
    for column in table.columns.drop(["star_id", "split"]):
        stem, _, number = column.rpartition("_")
        new = f"{stem}_{model}_{number}" if number.isdigit() else f"{column}_{model}"
        names[column] = model if column == "log_g" else new
    return table[list(names)].rename(columns=names)
