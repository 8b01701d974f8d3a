"""One baseline; it is a module of gravispec/models/baselines, named in the parameters."""

import importlib
import inspect

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.data.stars import TrainingChunks, training_mask, validation_mask
from gravispec.device import choose_device
from gravispec.models.ridge import RidgeFit
from gravispec.models.rows import predict_test_stars
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    module = importlib.import_module(f"gravispec.models.baselines.{params.baseline['model']}")
    stars = pd.read_parquet(snakemake.input.stars)
    # a baseline on labels has them in the place of the spectra
    X = module.labels(stars) if hasattr(module, "labels") else RowReader(snakemake.input.flux)
    train = TrainingChunks(X, stars, training_mask(stars, params.n_train))
    val = TrainingChunks(X, stars, validation_mask(stars, params.n_val))
    device = choose_device(snakemake.resources.device, gpu=snakemake.resources.gpu)
    given = {**params.given, "threads": snakemake.threads, "device": device}
    if "ridge" in snakemake.input.keys():  # noqa: SIM118
        given["ridge"] = RidgeFit.load(snakemake.input.ridge).first()
    asked = inspect.signature(module.fit).parameters
    options = {name: value for name, value in given.items() if name in asked} | params.baseline["options"]
    model = module.fit(train, val, **options)
    table = predict_test_stars(model, X, stars)
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
