"""The page of a run: one HTML file with its tables and figures, which works without a network."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.evaluation.summary import summary
from gravispec.models.pca import Pca
from gravispec.report.page.run import page
from gravispec.report.page.spectra import chosen_stars, spectra
from gravispec.report.page.stars import at_levels
from workflow.scripts.lib.job import job

CSV = ("hypotheses", "coverage", "posteriors", "stress", "per_bin", "by_snr", "curves")


def read_spectra(given, tables, params):
    """Section and figures of chosen test stars at the lowest noise level, by the model that leads where it is there."""
    level, rows = next(iter(at_levels(tables["predictions"]).items()))
    there = [name for name in params.models if name in rows and rows[name].notna().all()]
    model = params.run["catalogue"] if params.run["catalogue"] in there else there[-1]
    stars = chosen_stars(rows, model)
    at, wave, pca = list(stars), np.load(given.wave, allow_pickle=False), Pca.load(given.pca)
    order = np.argsort(np.argsort(at))  # files are read from row to row
    flux = RowReader(given.noisy)[np.sort(at)][order]
    samples = {"flux": flux, "sigma": ErrorRows(given.sigma, wave)[np.sort(at)][order]}
    samples["model"] = pca.mean + pca.transform(flux) @ pca.components
    shown = rows.iloc[at]
    titles = [
        f"{row['star_id']}: log g {row[model]:.2f}, true {row['log_g']:.2f}; {row['T_eff']:.0f} K, [M/H] "
        f"{row['M_H']:+.2f}, S/N {row['snr_measured']:.1f} ({stars[k]})"
        for k, row in zip(at, shown.to_dict("records"), strict=True)
    ]
    text = (
        f"Test stars at noise level {level:g}. The model is the reconstruction from {len(pca.components)} principal "
        "components of the training spectra, whose χ² is in the tables; log g is that of "
        f"{params.models[model]['label']}."
    )
    return spectra(wave, samples, titles, text)


with job(snakemake) as path:
    given, params = snakemake.input, snakemake.params
    tables = {name: pd.read_csv(given[name]) for name in CSV}
    tables["predictions"] = pd.read_parquet(given.predictions)
    shown = {given[name] for name in CSV} | {given.predictions}
    tables["summary"] = summary(
        tables["predictions"],
        params.models,
        params.run,
        samples=pd.read_parquet(given.samples),
        about={},
        confidence=params.confidence,
    )
    text = page(
        tables,
        params.models,
        params.run,
        confidence=params.confidence,
        bin_names=params.bin_names,
        calibrations={
            level: json.loads(Path(file).read_text())
            for level, file in zip(params.levels, given.calibration, strict=True)
        },
        spectra=lambda: read_spectra(given, tables, params),
        behind=params.behind,
        sizes=json.loads(Path(given.validated).read_text())["bytes"],
        shown=shown,
    )
    print(f"{len(text.encode()):,} bytes", flush=True)
    path.write_text(text, encoding="utf-8")
