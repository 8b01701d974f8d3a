"""The whole run in one file, for spectra that it has never seen."""

import json

import numpy as np
import pandas as pd

from gravispec.data.files import atomic
from gravispec.data.stars import LABELS, training_mask
from gravispec.evaluation.calibration import fitted
from gravispec.models.pca import Pca
from gravispec.models import gates
from gravispec.models.ridge import RidgeFit
from gravispec.models.trained import TrainedRun
from gravispec.version import VERSION
from workflow.scripts.lib.job import job

with job(snakemake):
    files, about = snakemake.input, dict(snakemake.params.about)
    stars = pd.read_parquet(files.stars, columns=["split", *LABELS])
    trained = stars[training_mask(stars, about["config"]["run"]["n_train"])]
    validation = pd.read_parquet(files.predictions).query("split == 'val'")
    with open(files.calibration, encoding="utf-8") as file:
        calibration = json.load(file)
    fits = [RidgeFit.load(path) for path in (*files.experts, files.global_ridge)]
    about |= {
        "version": VERSION,
        "code": snakemake.params.code,
        "source": calibration["source"],
        "label_range": {label: [float(trained[label].min()), float(trained[label].max())] for label in LABELS},
        "snr_range": [float(validation["snr_measured"].min()), float(validation["snr_measured"].max())],
        "snr_median": float(validation["snr_measured"].median()),
        "chi2_limit": float(validation["chi2"].quantile(0.995)),
    }
    scale, intervals = fitted(calibration)
    run = TrainedRun(
        about=about,
        wave=np.load(files.wave, allow_pickle=False),
        coef=np.stack([fit.coef for fit in fits], axis=1),
        intercept=np.stack([fit.intercept for fit in fits]),
        pca=Pca.load(files.pca),
        gates={gate: gates.load(files[gate]) for gate in gates.KINDS},
        scale=scale,
        intervals=intervals,
    )
    with atomic(snakemake.output[0]) as path:
        run.save(path)
