"""Every model of a benchmark at every noise level: predictions side by side, resampled R², differences, bins of S/N."""

import pandas as pd

from gravispec.data.files import atomic
from gravispec.evaluation import sweep
from workflow.scripts.lib.job import job

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    tables, baselines = {}, iter(given.baselines)
    for level, moe, tower in zip(params.noise_levels, given.moe, given.towers, strict=True):
        named = {name: pd.read_parquet(next(baselines)) for name in params.baselines}
        at_level = sweep.level_tables(pd.read_parquet(moe), pd.read_parquet(tower), named)
        tables |= {(level, model): table for model, table in at_level.items()}
    levels = sweep.sweep_levels(tables)
    samples = sweep.sweep_resamples(levels, seed=params.seed, resamples=params.bootstrap["resamples"])
    differences = sweep.difference_table(levels, samples, confidence=params.bootstrap["confidence"])
    by_snr = sweep.snr_table(levels, seed=params.seed, **params.bootstrap)
    print(differences.to_string(index=False), by_snr.to_string(index=False), sep="\n\n")
    outputs = snakemake.output
    files = outputs.predictions, outputs.samples, outputs.differences, outputs.by_snr
    with atomic(*files) as (predictions_path, samples_path, differences_path, by_snr_path):
        sweep.stacked(levels).to_parquet(predictions_path)
        sweep.stacked(samples).to_parquet(samples_path)
        differences.to_csv(differences_path, index=False, float_format="%.8g")
        by_snr.to_csv(by_snr_path, index=False, float_format="%.8g")
