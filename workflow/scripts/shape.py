"""Tests of the shape of a spectrum: templates from training stars, limits from validation stars."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks
from gravispec.data.error_rows import ErrorRows
from gravispec.data.stars import training_mask
from gravispec.features.family import ScaledRows
from gravispec.features.shape import NAMES
from gravispec.features.shape_fit import calibrated, fit_shape
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    files, place = snakemake.input, snakemake.wildcards
    wave = np.load(files.wave, allow_pickle=False)
    stars = pd.read_parquet(files.stars, columns=["split", "T_eff", "M_H"])
    trained = stars[training_mask(stars, int(place.n_train))]

    def reader(split):
        """Noisy flux and its 1σ of rows of a split; at noise level 0 the error of the observation."""
        flux, error = RowReader(files[split]), ErrorRows(files[f"{split}_error"], wave)
        sigma = ScaledRows(error, float(place.level) or 1.0)
        return lambda rows: (flux[rows], sigma[rows])

    shape = fit_shape(reader("train"), trained["T_eff"].to_numpy(), trained["M_H"].to_numpy(), wave)
    read, ridge = reader("val"), RidgeFit.load(files.ridge)
    n_val = (stars["split"] == "val").sum()
    labels = np.concatenate([ridge.predict(read(slice(lo, hi))[0]) for lo, hi in blocks(0, n_val)])
    cell = shape.cell(labels[:, 1], labels[:, 2])
    fits = [shape.fit(*read(slice(lo, hi)), cell[lo:hi]) for lo, hi in blocks(0, len(cell))]
    shape = calibrated(shape, *(np.concatenate(values) for values in zip(*fits, strict=True)), cell)
    print(f"{len(trained)} training stars, {len(cell)} validation stars; limits of amplitude / error:")
    print(dict(zip(NAMES, shape.limits.tolist(), strict=True)))
    shape.save(path)
