"""Labels by every model of a run for every validation and test star, cell by cell; S/N, χ², bins, use of the stars."""

import pandas as pd

from gravispec.data.features import feature_matrix
from gravispec.data.files import atomic
from gravispec.data.stars import training_mask
from gravispec.models.bins import UNCOVERED, assign
from gravispec.models.given import part_of_stars
from workflow.scripts.lib.job import job

ABOUT = ["T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "snr"]


def named(table, model):
    """The columns of a model's predictions as a run calls them: log g by its name, ``T_eff_mlp``, ``w_mlp_3``."""
    names = {}
    for column in table.columns.drop(["star_id", "split"]):
        stem, _, number = column.rpartition("_")
        new = f"{stem}_{model}_{number}" if number.isdigit() else f"{column}_{model}"
        names[column] = model if column == "log_g" else new
    return table[list(names)].rename(columns=names)


with job(snakemake):
    params, files = snakemake.params, snakemake.input
    every_star = pd.read_parquet(files.stars)
    others = (every_star["split"] != "train").to_numpy()
    part = part_of_stars(every_star, fit=params.validation["fit"], stop=params.validation["stop"])
    stars = every_star.loc[others, ["star_id", "split", *ABOUT]].reset_index(drop=True)
    stars.insert(2, "part", part[others])
    stars["bin"] = assign(stars["T_eff"], stars["M_H"], **params.edges)
    cells, models = [], iter(files.models)
    for (level, n_train, names), quality in zip(params.cells, files.quality, strict=True):
        measured = feature_matrix(pd.read_parquet(quality)[others], "quality")
        table = stars.assign(snr_measured=measured[:, 0], chi2=measured[:, 1])
        table.insert(0, "noise_level", level)
        table.insert(1, "n_train", n_train)
        tables = []
        for name in names:
            predicted = pd.read_parquet(next(models))
            if not predicted["star_id"].equals(stars["star_id"]):
                raise ValueError(f"the predictions of {name} are of other stars")
            tables.append(named(predicted, name))
        table = pd.concat([table, *tables], axis=1).assign(uncovered=table["bin"] == UNCOVERED)
        trained = every_star.loc[training_mask(every_star, n_train), "log_g"]
        lead = table[params.leading] if params.leading in table else trained.mean()
        table["edge"] = (lead < trained.min()) | (lead > trained.max())
        cells.append(table)
    with atomic(snakemake.output[0]) as path:
        pd.concat(cells, ignore_index=True).to_parquet(path)
