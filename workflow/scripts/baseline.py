"""One baseline; it is a module of gravispec/models/baselines, named in the parameters."""

import importlib
import inspect

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.data.stars import TrainingChunks, training_mask, validation_mask
from gravispec.models.device import choose_device
from gravispec.models.ridge import RidgeFit
from gravispec.models.rows import predict_test_stars
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    module = importlib.import_module(f"gravispec.models.baselines.{params.baseline['model']}")
    stars = pd.read_parquet(snakemake.input.stars)
    # a baseline that looks at labels, not at spectra, says so
    X = module.labels(stars) if hasattr(module, "labels") else RowReader(snakemake.input.flux)
    masks = training_mask(stars, params.n_train), validation_mask(stars, params.n_val)

    given = {"seed": params.seed, "threads": snakemake.threads}
    given["ridge"] = RidgeFit.load(snakemake.input.ridge)
    given["device"] = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    taken = inspect.signature(module.fit).parameters
    options = {name: value for name, value in given.items() if name in taken} | params.baseline["options"]
    model = module.fit(*(TrainingChunks(X, stars, mask) for mask in masks), **options)
    with atomic(snakemake.output[0]) as path:
        predict_test_stars(model, X, stars).to_parquet(path)
