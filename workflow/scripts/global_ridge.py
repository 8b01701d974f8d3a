"""The global Ridge for log g, T_eff and M_H, its fits without one fold each, and the components, from the moments."""

from gravispec.device import array_device
from gravispec.models.moments import Moments, fold_of_row, pool
from gravispec.models.pca import N_COMPONENTS, pca_from_moments
from gravispec.models.ridge import cross_fit_from_moments
from workflow.scripts.lib.job import job

with job(snakemake) as paths:
    params = snakemake.params
    folds = [Moments.load(path).on(array_device(snakemake.resources)) for path in snakemake.input.moments]
    fold = fold_of_row(int(snakemake.wildcards.n_train), len(folds), params.seed)
    ridge, ridge_folds = cross_fit_from_moments(folds, fold, alphas=params.alphas)
    print(f"{ridge.n} stars, log g by {ridge.first()}", flush=True)
    # few stars have few components: enough for the gates, and family pca says what it misses
    pca = pca_from_moments(pool(folds), min(N_COMPONENTS, ridge.n - 1, len(ridge.coef)))
    for record, path in zip((ridge, ridge_folds, pca), paths, strict=True):
        record.save(path)
