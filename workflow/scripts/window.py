"""The gate features of every star, from its noisy spectrum."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks
from gravispec.data.features import write_features
from gravispec.data.files import atomic
from gravispec.features import window
from gravispec.features.pca import Pca
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    wave, flux, pca = np.load(snakemake.input.wave), RowReader(snakemake.input.flux), Pca.load(snakemake.input.pca)
    features = np.concatenate([window.window_features(wave, flux[lo:hi], pca) for lo, hi in blocks(0, len(stars))])
    definition = "line depths, equivalent widths (Å) and principal components of the noisy flux"
    with atomic(snakemake.output[0]) as path:
        write_features(path, stars, features, family="window", names=window.names(), definition=definition)
