"""Labels of every validation and test star by every expert and by the global Ridge; log g is the one without suffix."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, selected_rows
from gravispec.data.files import atomic
from gravispec.data.stars import LABELS
from gravispec.device import array_device, host, on_device
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    keep = (stars["split"] != "train").to_numpy()
    models = {f"expert_{k}": RidgeFit.load(path) for k, path in enumerate(snakemake.input.experts)}
    models["global_ridge"] = RidgeFit.load(snakemake.input.global_ridge)
    device = array_device(snakemake.resources)
    coef = on_device(np.concatenate([model.coef for model in models.values()], axis=1), device)  # (P, models · labels)
    intercept = np.concatenate([model.intercept for model in models.values()])
    columns = [name if label == "log_g" else f"{name}_{label}" for name in models for label in LABELS]
    flux = RowReader(snakemake.input.flux)
    blocks = (on_device(rows.astype(np.float64), device) for rows, _ in selected_rows(flux, keep))
    predictions = np.concatenate([host(rows @ coef) + intercept for rows in blocks])
    table = stars[keep].reset_index(drop=True).join(pd.DataFrame(predictions, columns=columns))
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
