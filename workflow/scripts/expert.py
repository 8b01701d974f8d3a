"""The Ridge of one bin for log g, T_eff and M_H, each with its penalty, by cross-validation within the bin."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.stars import TrainingChunks, training_mask
from gravispec.device import array_device
from gravispec.errors import InputError
from gravispec.labels import LABELS
from gravispec.models.bins import Bins
from gravispec.models.ridge import ridge_cv
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, k = snakemake.params, int(snakemake.wildcards.bin)
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", "T_eff", "log_g", "M_H"])
    in_bin = Bins(**params.edges).of(stars["T_eff"], stars["M_H"]) == k
    keep = in_bin & training_mask(stars, int(snakemake.wildcards.n_train))
    chunks = TrainingChunks(RowReader(snakemake.input.flux), stars, keep, LABELS)
    if len(chunks) < params.folds:
        raise InputError(
            f"bin {k} ({params.name}) has {len(chunks)} training stars, fewer than the {params.folds} folds; "
            "raise n_train, or widen the bins in the configuration"
        )
    settings = dict(alphas=params.alphas, n_folds=params.folds, seed=params.seed)
    fit = ridge_cv(chunks, len(chunks), **settings, device=array_device(snakemake.resources))
    print(f"bin {k} ({params.name}): {fit.n} stars, log g by {fit.first()}", flush=True)
    fit.save(path)
