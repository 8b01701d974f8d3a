"""log g of every validation and test star by every expert and by the global Ridge."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, selected_rows
from gravispec.data.files import atomic
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    keep = (stars["split"] != "train").to_numpy()
    models = {f"expert_{k}": RidgeFit.load(path) for k, path in enumerate(snakemake.input.experts)}
    models["global_ridge"] = RidgeFit.load(snakemake.input.global_ridge)
    coef = np.stack([model.coef for model in models.values()], axis=1)  # (P, models)
    intercept = np.array([model.intercept for model in models.values()])
    flux = RowReader(snakemake.input.flux)
    predictions = np.concatenate([rows.astype(np.float64) @ coef + intercept for rows, _ in selected_rows(flux, keep)])
    table = stars[keep].reset_index(drop=True).join(pd.DataFrame(predictions, columns=list(models)))
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
