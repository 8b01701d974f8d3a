"""Figures of a run, as PNG and PDF: modules of gravispec/report/figures, which say what they read."""

from importlib import import_module
from pathlib import Path

import pandas as pd

from gravispec.plugins.figures import inputs_of
from gravispec.report.style import save, style
from workflow.scripts.lib.job import job

with job(snakemake) as paths, style():
    files, params = snakemake.input, snakemake.params
    given = {name: getattr(params, name) for name in ("models", "run", "confidence", "bin_names", "metal_poor")}
    names = [Path(png).stem for png in snakemake.output.png]
    for name in {argument for figure in names for argument in inputs_of(figure)} - given.keys():
        given[name] = (pd.read_csv if files[name].endswith(".csv") else pd.read_parquet)(files[name])
    for name, png, pdf in zip(names, paths[: len(names)], paths[len(names) :], strict=True):
        draw = import_module(f"gravispec.report.figures.{name}").draw
        save(draw(**{argument: given[argument] for argument in inputs_of(name)}), png, pdf)
