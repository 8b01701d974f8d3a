"""One baseline; it is a module of gravispec/models/baselines, named in the parameters."""

import importlib
import inspect

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.data.stars import TrainingChunks, training_mask
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    module = importlib.import_module(f"gravispec.models.baselines.{params.baseline['model']}")
    stars = pd.read_parquet(snakemake.input.stars)
    in_val = (stars["split"] == "val").to_numpy()
    keep = {
        "train": training_mask(stars, params.n_train),
        "val": in_val & (np.cumsum(in_val) <= params.n_val),
        "test": (stars["split"] == "test").to_numpy(),
    }
    if hasattr(module, "LabelChunks"):  # a baseline that looks at labels, not at spectra
        chunks = {split: module.LabelChunks(stars, mask) for split, mask in keep.items()}
    else:
        chunks = {split: TrainingChunks(RowReader(snakemake.input.flux), stars, mask) for split, mask in keep.items()}
    options = {"seed": params.seed, "threads": snakemake.threads, **params.baseline["options"]}
    taken = inspect.signature(module.fit).parameters
    model = module.fit(
        chunks["train"],
        chunks["val"],
        **{name: value for name, value in options.items() if name in taken or name in params.baseline["options"]},
    )
    rows = np.concatenate([np.flatnonzero(mask) for mask in keep.values()])
    predicted = np.concatenate([model.predict(X) for part in chunks.values() for X, _ in part])
    table = stars.loc[rows, ["star_id", "split", "log_g"]].assign(predicted=predicted)
    with atomic(snakemake.output[0]) as path:
        table.reset_index(drop=True).to_parquet(path)
