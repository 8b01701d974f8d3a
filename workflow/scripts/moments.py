"""Moments of the training spectra of one fold: with those of the other folds, all that Ridge and components need."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.stars import TrainingChunks, training_mask
from gravispec.device import array_device
from gravispec.labels import LABELS
from gravispec.models.moments import fold_of_row, moments_of
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params = snakemake.params
    n_train, k = int(snakemake.wildcards.n_train), int(snakemake.wildcards.fold)
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", *LABELS])
    keep = training_mask(stars, n_train)
    keep[keep] = fold_of_row(n_train, params.folds, params.seed) == k
    chunks = TrainingChunks(RowReader(snakemake.input.flux), stars, keep, LABELS)
    moments = moments_of(chunks, len(chunks), device=array_device(snakemake.resources)).on(None)
    print(f"fold {k}: {moments.n} stars", flush=True)
    moments.save(path)
