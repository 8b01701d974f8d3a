"""The figures of a tower run, as PNG and PDF."""

import pandas as pd

from gravispec.report import tower_figures as draw
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake), style():
    towers = snakemake.params.towers
    curves = [pd.read_csv(path) for path in snakemake.input.curves]
    predictions = [pd.read_parquet(path) for path in snakemake.input.predictions]
    figures = {
        "learning_curves": draw.learning_curves(towers, curves),
        "predicted_vs_true": draw.predicted_vs_true(towers, predictions),
    }
    save(figures, snakemake.output.png, snakemake.output.pdf)
