"""One family of features of every star, from those of the shards."""

import importlib

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.features import write_features
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, place = snakemake.params, snakemake.wildcards
    family = importlib.import_module(f"gravispec.features.{params.family['name']}")
    mode = params.family["mode"]
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    features = RowReader(snakemake.input.shards)
    if len(features) != len(stars):
        raise ValueError(f"features of {len(features)} stars, the data set has {len(stars)}")
    about = {"noise_level": float(place.level), "n_train": int(place.n_train)} | ({"mode": mode} if mode else {})
    write_features(
        path,
        stars,
        features[:],
        family=params.family["name"],
        names=family.NAMES,
        definition=family.DEFINITION,
        unit=family.UNIT,
        **about,
    )
