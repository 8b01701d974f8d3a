"""The global Ridge for log g, T_eff and M_H, its fits without one fold each, and the components, from one pass."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.data.stars import LABELS, TrainingChunks, training_mask
from gravispec.features.pca import N_COMPONENTS, pca_from_moments
from gravispec.models.moments import fold_moments, fold_of_row, pool
from gravispec.models.ridge import cross_fit_from_moments
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", *LABELS])
    chunks = TrainingChunks(RowReader(snakemake.input.flux), stars, training_mask(stars, params.n_train), LABELS)
    cv = {"n_folds": params.folds, "seed": params.seed}
    folds = fold_moments(chunks, len(chunks), **cv)
    ridge, ridge_folds = cross_fit_from_moments(folds, fold_of_row(len(chunks), **cv), alphas=params.alphas)
    print(f"{ridge.n} stars, log g by {ridge.first()}", flush=True)
    # few stars have few components: enough for the gates, and family pca says what it misses
    pca = pca_from_moments(pool(folds), min(N_COMPONENTS, ridge.n - 1, len(ridge.coef)))
    outputs = snakemake.output.ridge, snakemake.output.ridge_folds, snakemake.output.pca
    with atomic(*outputs) as paths:
        for record, path in zip((ridge, ridge_folds, pca), paths, strict=True):
            record.save(path)
