"""log g of every model for every validation and test star; its other labels, gate weights, flags, S/N and χ²."""

import numpy as np
import pandas as pd

from gravispec.data.features import feature_matrix
from gravispec.data.files import atomic
from gravispec.data.stars import LABELS, training_mask
from gravispec.models import gates
from gravispec.models.bins import assign
from gravispec.models.mixture import mix, predictions_table, validation_parts
from workflow.scripts.lib.job import job

ABOUT = ["T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "snr"]

with job(snakemake):
    data = snakemake.params.data
    every_star = pd.read_parquet(snakemake.input.stars)
    trained = every_star.loc[training_mask(every_star, data["n_train"]), "log_g"]
    experts = pd.read_parquet(snakemake.input.experts)
    keep = (every_star["split"] != "train").to_numpy()
    stars = every_star.loc[keep, ["star_id", "split", *ABOUT]].reset_index(drop=True)
    if not stars["star_id"].equals(experts["star_id"]):
        raise ValueError("the experts' predictions are of other stars")

    in_val = (stars["split"] == "val").to_numpy()
    part = np.full(len(stars), "test", dtype=object)
    part[in_val] = validation_parts(int(in_val.sum()), fit=data["fit"], stop=data["stop"])
    stars.insert(2, "part", part)
    stars["bin"] = assign(stars["T_eff"], stars["M_H"], **data["edges"])

    features = feature_matrix(pd.read_parquet(snakemake.input.features)[keep], "window")
    weights = {gate: gates.load(snakemake.input[gate]).weights(features) for gate in gates.KINDS}
    table = predictions_table(
        stars,
        experts.filter(regex=r"^expert_\d+$").to_numpy(),
        experts["global_ridge"].to_numpy(),
        weights,
        fallback_weight=snakemake.params.fallback_weight,
        log_g_range=(trained.min(), trained.max()),
    )
    for label in LABELS[1:]:
        table[f"{label}_global_ridge"] = experts[f"global_ridge_{label}"]
        table[f"{label}_classify"] = mix(experts.filter(regex=rf"^expert_\d+_{label}$").to_numpy(), weights["classify"])
    quality = feature_matrix(pd.read_parquet(snakemake.input.quality)[keep], "quality")
    table = table.assign(snr_measured=quality[:, 0], chi2=quality[:, 1])
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
