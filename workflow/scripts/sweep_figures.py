"""The figures of a benchmark, as PNG and PDF."""

import pandas as pd

from gravispec.evaluation.sweep import by_level, summary_table
from gravispec.report import sweep_figures as draw
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake), style():
    levels, samples = (by_level(pd.read_parquet(snakemake.input[name])) for name in ("predictions", "samples"))
    figures = {
        "r2_against_noise": draw.r2_against_noise(summary_table(levels, samples, **snakemake.params.summary)),
        "r2_against_snr": draw.r2_against_snr(pd.read_csv(snakemake.input.by_snr)),
    }
    save(figures, snakemake.output.png, snakemake.output.pdf)
