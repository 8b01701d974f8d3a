"""One family of features of a shard of stars; the family is a module of gravispec/features, named in the parameters."""

import importlib

import numpy as np

from gravispec.features.family import TrainedRows, compute, open_inputs
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, place = snakemake.params, snakemake.wildcards
    family = importlib.import_module(f"gravispec.features.{params.family['name']}")
    about = {"noise_level": float(place.level), "mode": params.family["mode"]}
    inputs = open_inputs(family, snakemake.input, trained=TrainedRows(*params.shard, int(place.n_train)), **about)
    features = compute(family, inputs, *params.shard)
    np.save(path, features)
