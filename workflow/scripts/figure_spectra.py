"""Three test stars, of low, median and high log g: clean flux, noisy flux and error."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.error_rows import ErrorRows
from gravispec.report.spectra_figure import spectra
from gravispec.report.style import save, style
from gravispec.spectra.normalise import continuum_normalised
from workflow.scripts.lib.job import job

with job(snakemake) as (png, pdf), style():
    given, width = snakemake.input, snakemake.params.continuum
    wave = np.load(given.wave, allow_pickle=False)
    stars = pd.read_parquet(given.stars)
    test = stars[stars["split"] == "test"].reset_index(drop=True)
    test = test.sort_values("log_g")
    shown = test.iloc[[len(test) // 10, len(test) // 2, len(test) - 1 - len(test) // 10]]
    readers = {"flux": RowReader(given.flux), "error": ErrorRows(given.error, wave), "noisy": RowReader(given.noisy)}
    samples = {name: np.concatenate([rows[i : i + 1] for i in shown.index]) for name, rows in readers.items()}
    samples["labels"] = shown[["T_eff", "log_g", "M_H", "mag"]].to_numpy(float)
    if width:
        samples["flux"] = continuum_normalised(samples["flux"], wave, width)
    save(spectra(wave, samples, noise_level=snakemake.params.noise_level), png, pdf)
