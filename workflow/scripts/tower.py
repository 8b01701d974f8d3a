"""Towers on one set of families, one a seed, with the predictions of every star that they saw or are measured on."""

import platform

import numpy as np
import pandas as pd
import torch

from gravispec.data.files import atomic
from gravispec.device import choose_device
from gravispec.models.tower import fit_tower, n_parameters, save
from gravispec.models.tower_data import TowerData
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    device = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    families = dict(zip(params.families, snakemake.input.features, strict=True))
    data = TowerData.read(stars=snakemake.input.stars, families=families, n_train=params.n_train, n_val=params.n_val)
    settings = {"ridge_column": data.ridge_column, **params.training}
    towers, curves, predictions = {}, [], data.stars.assign(ridge=data.ridge)
    for seed in range(params.seed, params.seed + params.n_seeds):
        tower, curve = fit_tower(data.part("train"), data.part("val"), **settings, seed=seed, device=device)
        curve = pd.DataFrame(curve, columns=["epoch", "train_l1", "val_l1"])
        best = curve.loc[curve["val_l1"].idxmin()]
        print(f"{device}, seed {seed}: {len(curve)} epochs, best {best.to_dict()}", flush=True)
        towers[seed] = tower
        curves.append(curve.assign(seed=seed)[["seed", "epoch", "train_l1", "val_l1"]])
        predictions[f"seed_{seed}"] = tower.predict(data.features)
    curves = pd.concat(curves, ignore_index=True)
    about = {
        "dim": data.features.shape[1],
        "parameters": n_parameters(towers[params.seed]),
        "training": params.training,
        "n_train": params.n_train,
        "n_val": params.n_val,
        "families": data.about,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__},
        "code": params.code,
        "device": device,
        "curve": curves.to_dict("list"),
    }
    with atomic(snakemake.output.model, snakemake.output.curve, snakemake.output.predictions) as (model, curve, table):
        save(towers, about, model)
        curves.to_csv(curve, index=False, float_format="%.8g")
        predictions.to_parquet(table)
