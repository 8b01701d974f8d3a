"""One family of features of every star; the family is a module of gravispec/features, named in the parameters."""

import importlib

import numpy as np
import pandas as pd

from gravispec.data.features import write_features
from gravispec.data.files import atomic
from gravispec.data.stars import training_mask
from gravispec.features.family import compute, open_inputs
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    family = importlib.import_module(f"gravispec.features.{params.family['name']}")
    mode = params.family["mode"]
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    keep = training_mask(stars, params.n_train)
    trained = np.where(keep, np.cumsum(keep) - 1, -1)
    inputs = open_inputs(family, snakemake.input, noise_level=params.noise_level, trained=trained, mode=mode)
    features = compute(family, inputs, len(stars))
    about = {"noise_level": params.noise_level, "n_train": params.n_train} | ({"mode": mode} if mode else {})
    with atomic(snakemake.output[0]) as path:
        write_features(
            path,
            stars,
            features,
            family=params.family["name"],
            names=family.NAMES,
            definition=family.DEFINITION,
            unit=family.UNIT,
            **about,
        )
