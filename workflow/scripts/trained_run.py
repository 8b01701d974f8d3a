"""The whole run in one file, for spectra that it has never seen."""

import json

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.stars import training_mask
from gravispec.evaluation.calibration import fitted
from gravispec.features.shape import Shape
from gravispec.labels import LABELS
from gravispec.models import model
from gravispec.models.filling import N_REFERENCES, References
from gravispec.models.inference import Fits, Fitted
from gravispec.models.level import Level
from gravispec.models.pca import Pca
from gravispec.models.ridge import RidgeFit
from gravispec.models.trained import TrainedRun
from gravispec.version import VERSION
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params, files = snakemake.params, snakemake.input
    stars = pd.read_parquet(files.stars, columns=["split", *LABELS])
    predictions = pd.read_parquet(files.predictions).query("split == 'val'")
    wave = np.load(files.wave, allow_pickle=False)
    experts, families, models = iter(files.get("experts", [])), iter(files.get("families", [])), iter(files.models)
    per_level = len(files.val) // len(params.levels)
    val = [files.val[i * per_level : (i + 1) * per_level] for i in range(len(params.levels))]
    levels = []
    for i, has in enumerate(params.levels):
        cell = predictions.query(f"noise_level == {has['level']} and n_train == {has['n_train']}")
        trained = stars[training_mask(stars, has["n_train"])]
        with open(files.calibration[i], encoding="utf-8") as file:
            calibration = json.load(file)
        about = {
            "noise_level": has["level"],
            "n_train": has["n_train"],
            "shown": has["shown"],
            "continuum": params.normalisation["continuum"],
            "label_range": {label: [float(trained[label].min()), float(trained[label].max())] for label in LABELS},
            "bins": {label: [edges[0], edges[-1]] for label, edges in params.edges.items()},
            "snr_range": [float(cell["snr_measured"].min()), float(cell["snr_measured"].max())],
            "snr_median": float(cell["snr_measured"].median()),
            "chi2_limit": float(cell["chi2"].quantile(0.995)),
            "misfit_limits": {
                name: float(cell[f"misfit_{name}"].quantile(0.995)) for name in has["shown"] if f"misfit_{name}" in cell
            },
        }
        fits = Fits(
            wave,
            Pca.load(files.pca[i]),
            RidgeFit.load(files.ridge[i]),
            tuple(RidgeFit.load(next(experts)) for _ in range(has["experts"])),
            {name: model.load(next(families)) for name in has["families"]},
        )
        held = {one["name"]: Fitted(one["module"], one["options"], model.load(next(models))) for one in has["models"]}
        intervals = {name: fitted(calibration, name) for name in has["shown"]}
        # the first stars of the gates, which fill masked pixels of others
        chosen = np.flatnonzero(cell["part"] == "fit")[:N_REFERENCES]
        references = References(RowReader(val[i])[chosen], cell["snr_measured"].to_numpy()[chosen])
        levels.append(Level(about, fits, held, intervals, Shape.load(files.shape[i]), references))
    about = {
        "run": snakemake.wildcards.run,
        "version": VERSION,
        "code": params.code,
        "leading": params.leading,
        "labels": {one["name"]: one["label"] for has in params.levels for one in has["models"]},
        "normalisation": params.normalisation,
        "config": params.config,
    }
    run = TrainedRun(about, tuple(levels))
    run.check()
    run.save(path)
