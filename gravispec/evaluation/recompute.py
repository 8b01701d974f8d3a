"""The tables of a run computed again from the tables and models before them, by the functions that made them.

``RECIPES``: by the name of a schema, a function of a ``Tables`` that yields one table a file; each after those that it
reads. A recipe may leave out columns; the schema says of each of them why (``given``).
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.pfsspec import open_file, read_stars
from gravispec.evaluation import coverage, residuals, sweep, tables, tower_tables
from gravispec.evaluation.baseline_tables import baseline_table
from gravispec.models import gates, tower
from gravispec.models.labels import expert_labels
from gravispec.models.predictions import predictions_of
from gravispec.models.ridge import RidgeFit
from gravispec.models.tower_data import TowerData
from gravispec.spectra.sampling import drawn_stars

SPLITS = ("train", "val", "test")


class Tables:
    """Tables of a run by the names of their schemas, read when they are needed, and what else recipes need.

    ``paths``: ``{name: paths}``; ``files``: ``{name: paths}`` of models and spectra; ``about``: settings, by name.
    """

    def __init__(self, paths, files, about, read):
        self.paths, self.files, self.about = paths, files, about
        self.all = cache(lambda name: [read(path) for path in paths[name]])

    def one(self, name):
        return self.all(name)[0]

    @property
    def bootstrap(self):
        """Keywords of every function that resamples stars."""
        return {key: self.about[key] for key in ("resamples", "confidence", "seed")}

    @property
    def resampling(self):
        return {key: self.about[key] for key in ("resamples", "seed")}

    @property
    def calibration(self):
        return json.loads(Path(self.files["intervals"][0]).read_text())


def _stars(run):
    """Labels drawn again, or read again from the user's files."""
    if "user" in run.files:
        parts = []
        for split, path in zip(SPLITS, run.files["user"], strict=True):
            with open_file(path) as file:
                parts.append(read_stars(file, split))
        yield pd.concat(parts, ignore_index=True).drop(columns="snr")
    else:
        how = {key: run.about[key] for key in ("labels", "axes", "seed")}
        parts = [drawn_stars(n, split=split, **how) for split, n in run.about["n_stars"].items()]
        yield pd.concat(parts, ignore_index=True)


def _expert_predictions(run):
    models = {f"expert_{k}": RidgeFit.load(path) for k, path in enumerate(run.files["experts"])}
    models["global_ridge"] = RidgeFit.load(run.files["global_ridge"][0])
    yield expert_labels(run.one("stars"), RowReader(run.files["flux"]), models)


def _predictions(run):
    window, quality = run.all("features")
    weights = {kind: gates.load(path) for kind, path in zip(gates.KINDS, run.files["gates"], strict=True)}
    about = {key: run.about[key] for key in ("data", "fallback_weight")}
    yield predictions_of(run.one("stars"), run.one("expert_predictions"), window, quality, weights, **about)


def _bootstrap(run):
    yield tables.bootstrap_table(run.one("predictions"), run.one("samples"), confidence=run.about["confidence"])


def _samples(run):
    yield tables.resampled_r2(run.one("predictions"), **run.resampling)


def _per_bin(run):
    yield tables.per_bin_table(run.one("predictions"), run.about["bin_names"], **run.bootstrap)


def _hypotheses(run):
    yield tables.hypotheses_table(run.one("predictions"), run.one("bootstrap"))


def _coverage(run):
    yield coverage.coverage_table(run.one("predictions"), run.calibration)


def _residuals(run):
    yield residuals.residuals_table(run.one("predictions"), run.calibration["source"], **run.bootstrap)


def _giants_dwarfs(run):
    yield residuals.giants_dwarfs_table(run.one("predictions"), confidence=run.about["confidence"])


def _baselines(run):
    about = {key: run.about[key] for key in ("baselines", "n_train", "edges")}
    yield baseline_table(run.one("stars"), run.all("baseline_predictions"), **about, **run.bootstrap)


def _baseline_predictions(run):
    stars = run.one("stars")
    test = stars.loc[stars["split"] == "test", ["star_id", "log_g", "snr"]].reset_index(drop=True)
    return [test] * len(run.paths["baseline_predictions"])


def _tower_predictions(run):
    for families, path in zip(run.about["features"], run.files["towers"], strict=True):
        towers, header = tower.load(path)
        sizes = {key: header[key] for key in ("n_train", "n_val")}
        data = TowerData.read(stars=run.paths["stars"][0], families=families, **sizes)
        table = data.stars.assign(ridge=data.ridge)
        yield table.assign(**{f"seed_{seed}": trained.predict(data.features) for seed, trained in towers.items()})


def _tower_curves(run):
    for path in run.files["towers"]:
        yield pd.DataFrame(tower.load(path)[1]["curve"])


def _ablation(run):
    towers = run.about["towers"]
    yield tower_tables.ablation_table(towers, run.all("tower_predictions"), run=run.about["run"], **run.bootstrap)


def _levels(run):
    """Predictions of every model at every noise level, from the runs and baselines of a sweep."""
    baselines = iter(run.all("baseline_predictions") if "baseline_predictions" in run.paths else ())
    named = {}
    for level, mixture, towers in zip(run.about["levels"], run.files["mixtures"], run.files["towers"], strict=True):
        own = {name: next(baselines) for name in run.about["baseline_names"]}
        at_level = sweep.level_tables(pd.read_parquet(mixture), pd.read_parquet(towers), own)
        named |= {(level, model): table for model, table in at_level.items()}
    return sweep.sweep_levels(named)


def _sweep_predictions(run):
    yield sweep.stacked(_levels(run))


def _sweep_samples(run):
    yield sweep.stacked(sweep.sweep_resamples(sweep.by_level(run.one("sweep_predictions")), **run.resampling))


def _differences(run):
    levels, samples = (sweep.by_level(run.one(name)) for name in ("sweep_predictions", "sweep_samples"))
    yield sweep.difference_table(levels, samples, confidence=run.about["confidence"])


def _by_snr(run):
    yield sweep.snr_table(sweep.by_level(run.one("sweep_predictions")), **run.bootstrap)


RECIPES = {
    "stars": _stars,
    "expert_predictions": _expert_predictions,
    "predictions": _predictions,
    "samples": _samples,
    "bootstrap": _bootstrap,
    "per_bin": _per_bin,
    "hypotheses": _hypotheses,
    "calibration": _coverage,
    "residuals": _residuals,
    "giants_dwarfs": _giants_dwarfs,
    "baselines": _baselines,
    "baseline_predictions": _baseline_predictions,
    "tower_predictions": _tower_predictions,
    "tower_curves": _tower_curves,
    "ablation": _ablation,
    "sweep_predictions": _sweep_predictions,
    "sweep_samples": _sweep_samples,
    "differences": _differences,
    "by_snr": _by_snr,
}
#: largest relative difference of a number; networks in single precision depend on how many stars are taken at a time
TOLERANCE = {"tower_predictions": 1e-5, "sweep_predictions": 1e-5}
RTOL, ATOL = 1e-6, 1e-9


def difference(table, again, *, rtol=RTOL):
    """The first number or text of ``table`` that is not that of ``again``, in words; None where there is none.

    Columns that ``again`` lacks are not compared. ``again`` goes through CSV where the table did, so that both were
    rounded and read alike; rows are compared in their order.
    """
    if len(table) != len(again):
        return f"{len(table)} rows, {len(again)} expected"
    for column in again:
        if column not in table:
            return f"no column {column}"
        one, other = table[column], again[column]
        if pd.api.types.is_numeric_dtype(other):
            number = pd.to_numeric(one, errors="coerce").to_numpy(float)
            same = np.isclose(number, other.to_numpy(float), rtol=rtol, atol=ATOL, equal_nan=True)
        else:
            same = one.astype(object).where(one.notna(), "").to_numpy() == other.fillna("").to_numpy(object)
        if not same.all():
            row = int(np.argmin(same))
            return f"row {row}, {column} = {one.iloc[row]}: {other.iloc[row]} when it is computed again"
    return None
