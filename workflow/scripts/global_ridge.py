"""The global Ridge and the principal components of the noisy training spectra, from one pass over them."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.data.stars import TrainingChunks, training_mask
from gravispec.features.pca import pca_from_moments
from gravispec.models.moments import fold_moments, pool
from gravispec.models.ridge import ridge_from_moments
from workflow.scripts.lib.job import job

with job(snakemake):
    params = snakemake.params
    stars = pd.read_parquet(snakemake.input.stars, columns=["split", "log_g"])
    chunks = TrainingChunks(RowReader(snakemake.input.flux), stars, training_mask(stars, params.n_train))
    folds = fold_moments(chunks, len(chunks), n_folds=params.folds, seed=params.seed)
    ridge = ridge_from_moments(folds, alphas=params.alphas)
    print(f"{len(chunks)} stars, alpha {ridge.alpha:g}, CV MSE {ridge.cv_mse.min():.4f}", flush=True)
    pca = pca_from_moments(pool(folds), params.n_components)
    with atomic(snakemake.output.ridge, snakemake.output.pca) as (ridge_path, pca_path):
        ridge.save(ridge_path)
        pca.save(pca_path)
