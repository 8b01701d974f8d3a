"""The figures of a run's results, as PNG and PDF."""

import pandas as pd

from gravispec.report import model_figures as draw
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake), style():
    predictions, samples = pd.read_parquet(snakemake.input.predictions), pd.read_parquet(snakemake.input.samples)
    per_bin = pd.read_csv(snakemake.input.per_bin)
    names, confidence = snakemake.params.names, snakemake.params.confidence
    figures = {
        "r2_by_model": draw.r2_by_model(predictions, samples, confidence=confidence),
        "delta_by_bin": draw.delta_by_bin(per_bin, metal_poor=snakemake.params.metal_poor),
        "bootstrap": draw.bootstrap(predictions, samples, confidence=confidence),
        "gate_weights": draw.gate_weights(predictions, names),
        "predicted_vs_true": draw.predicted_vs_true(predictions, names),
    }
    save(figures, snakemake.output.png, snakemake.output.pdf)
