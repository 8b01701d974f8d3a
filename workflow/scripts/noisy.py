"""Add noise to the clean flux and normalise. A few test stars are kept for the figure.

No other rule reads clean flux, but for that of the stress table, from which nothing is computed.

Flux was divided by its median before the noise came. Dividing by the noisy median afterwards is what can be done to an
observed spectrum; without it models learn from a scale that nobody can measure. A running continuum, if any, is last.
"""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks, row_writer
from gravispec.data.files import atomic
from gravispec.spectra.noise import add_noise
from gravispec.spectra.normalise import continuum_normalised, row_median
from workflow.scripts.lib.job import job

with job(snakemake):
    level, seed = snakemake.params.noise_level, snakemake.params.seed
    median, width = snakemake.params.normalisation
    wave = np.load(snakemake.input.wave, allow_pickle=False)
    stars = pd.read_parquet(snakemake.input.stars)
    clean, errors = RowReader(snakemake.input.flux), RowReader(snakemake.input.error)
    test = stars[stars["split"] == "test"].sort_values("log_g")
    shown = test.iloc[[len(test) // 10, len(test) // 2, len(test) - 1 - len(test) // 10]]
    with atomic(snakemake.output.flux, snakemake.output.samples) as (flux_path, samples_path):
        with row_writer(flux_path, clean.shape) as write:
            for split, rows in stars.groupby("split", sort=False):
                first = rows.index[0]
                for lo, hi in blocks(first, first + len(rows)):
                    noise = {"level": level, "seed": seed, "split": split, "rows": np.arange(lo, hi) - first}
                    noisy_flux = add_noise(clean[lo:hi], errors[lo:hi], **noise)
                    if median == "noisy":
                        noisy_flux /= row_median(noisy_flux)[:, None]
                    write(continuum_normalised(noisy_flux, wave, width) if width else noisy_flux)
        noisy = RowReader(flux_path)
        samples = {
            name: np.concatenate([reader[i : i + 1] for i in shown.index])
            for name, reader in (("flux", clean), ("error", errors), ("noisy", noisy))
        }
        if width:
            samples["flux"] = continuum_normalised(samples["flux"], wave, width)
        np.savez(samples_path, **samples, labels=shown[["T_eff", "log_g", "M_H", "mag"]].to_numpy(float))
