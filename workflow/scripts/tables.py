"""How well every model of a run does on the test stars: resampled R², differences, bins, S/N, hypotheses, curves."""

import pandas as pd

from gravispec.evaluation.bins import by_snr, per_bin
from gravispec.evaluation.bootstrap import resampled
from gravispec.evaluation.curves import training_curves
from gravispec.evaluation.differences import differences
from gravispec.evaluation.hypotheses import hypotheses
from gravispec.models.model import about_fits
from workflow.scripts.lib.job import job

with job(snakemake) as (samples_path, *paths):
    params = snakemake.params
    predictions = pd.read_parquet(snakemake.input.predictions)
    draws = {"seed": params.seed, "resamples": params.bootstrap["resamples"]}
    confidence = params.bootstrap["confidence"]
    samples = resampled(predictions, params.models, **draws)
    of_run = predictions, params.models, params.run
    verdicts = hypotheses(*of_run, samples=samples, confidence=confidence)
    tables = [
        differences(*of_run, samples=samples, confidence=confidence),
        per_bin(*of_run, bin_names=params.bin_names, confidence=confidence, **draws),
        by_snr(predictions, params.models, confidence=confidence, **draws),
        verdicts,
        training_curves(about_fits(params.cells, snakemake.input.models)),
    ]
    print(verdicts.to_string(index=False))
    samples.to_parquet(samples_path)
    for table, path in zip(tables, paths, strict=True):
        table.to_csv(path, index=False, float_format="%.8g")
