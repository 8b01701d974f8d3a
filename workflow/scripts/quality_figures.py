"""Figures of the quality of the predictions, as PNG and PDF."""

import pandas as pd

from gravispec.report import quality_figures as draw
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake), style():
    files = snakemake.input
    figures = {
        "coverage": draw.coverage(pd.read_csv(files.coverage)),
        "residuals": draw.residuals(pd.read_csv(files.residuals)),
        "giants_dwarfs": draw.giants_dwarfs(pd.read_parquet(files.predictions), pd.read_csv(files.giants_dwarfs)),
    }
    save(figures, snakemake.output.png, snakemake.output.pdf)
