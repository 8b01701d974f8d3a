"""The tables of a run computed again from the tables, models and spectra before them, by the functions that made them.

``RECIPES``: by the name of a schema, a function of a ``Tables`` that gives one table a file; each after those that it
reads. A recipe may leave out columns; the schema says of each of them why (``given``).
"""

import json
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.pfsspec import open_file, read_stars
from gravispec.evaluation.bins import by_snr, per_bin
from gravispec.evaluation.bootstrap import resampled
from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.coverage import coverage
from gravispec.evaluation.curves import training_curves
from gravispec.evaluation.differences import differences
from gravispec.evaluation.hypotheses import hypotheses
from gravispec.evaluation.posteriors import posteriors
from gravispec.evaluation.predictions import predictions
from gravispec.evaluation.residuals import giants_dwarfs, residuals
from gravispec.models import model
from gravispec.models.experts import expert_labels
from gravispec.models.given import StoredStars
from gravispec.models.inference import predictions_table
from gravispec.models.ridge import RidgeFit
from gravispec.plugins.models import families_of, plugin
from gravispec.spectra.sampling import drawn_stars

SPLITS = ("train", "val", "test")


class Tables:
    """Tables of a run by the names of their schemas, read when they are needed, and what else recipes need.

    ``paths``: ``{name: paths}``; ``settings``: by name; ``read``: of a path.
    """

    def __init__(self, paths, settings, read):
        self.paths, self.settings = paths, settings
        self.all = cache(lambda name: [read(path) for path in paths[name]])

    def one(self, name):
        return self.all(name)[0]

    def keywords(self, *names):
        """Of the settings those that a function takes."""
        return {name: self.settings[name] for name in names}

    @property
    def of_run(self):
        """The first arguments of most functions."""
        return self.one("predictions"), self.settings["models"], self.settings["run"]

    @cached_property
    def calibrations(self):
        """``{noise level: calibration}``"""
        levels = (level for level, _ in self.settings["deployed"])
        return {at: json.loads(Path(p).read_text()) for at, p in zip(levels, self.paths["calibrations"], strict=True)}

    @property
    def deployed(self):
        return list(dict.fromkeys(name for found in self.calibrations.values() for name in found["models"]))


def flat(value):
    """A table of what is in JSON, a row a number or text, which is its index: ``models.mlp.scale.knots.0``."""

    def items(value, where):
        if isinstance(value, dict | list | tuple):
            for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
                yield from items(inside, (*where, str(key)))
        else:
            yield ".".join(where), value

    names, values = zip(*items(value, ()), strict=True)
    texts = [found if isinstance(found, str) else "" for found in values]
    numbers = [np.nan if found is None or isinstance(found, str) else float(found) for found in values]
    return pd.DataFrame({"name": names, "value": numbers, "text": texts}, index=list(names))


def _stars(run):
    """Labels drawn again, or read again from the user's files."""
    if run.settings["user_files"]:
        parts = []
        for split, path in zip(SPLITS, run.settings["user_files"], strict=True):
            with open_file(path) as file:
                parts.append(read_stars(file, split))
        yield pd.concat(parts, ignore_index=True).drop(columns="snr")
    else:
        how = run.keywords("labels", "names", "seed") | {"nuisances": run.settings.get("nuisances")}
        parts = [drawn_stars(n, split=split, **how) for split, n in run.settings["n_stars"].items()]
        yield pd.concat(parts, ignore_index=True)


def _experts(run):
    for files in run.settings["experts"]:
        fits = [RidgeFit.load(path) for path in files["experts"]]
        yield expert_labels(run.one("stars"), RowReader(files["flux"]), fits)


def _model_predictions(run):
    for k, fit in enumerate(run.settings["fits"]):
        if "slow" in plugin(fit["module"]).declares:
            yield run.all("model_predictions")[k]
        else:
            stored = StoredStars(fit["files"], families=families_of(fit["options"]))
            yield predictions_table(model.load(fit["model"]), fit["module"], stored)


def _predictions(run):
    tables = iter(run.all("model_predictions"))
    cells = (
        (level, n_train, quality, {name: next(tables) for name in names})
        for (level, n_train, names), quality in zip(run.settings["cells"], run.all("quality"), strict=True)
    )
    yield predictions(run.one("stars"), cells, **run.keywords("leading", "edges", "validation"))


def _calibrations(run):
    table = run.one("predictions")
    for level, names in run.settings["deployed"]:
        yield flat(calibration(table[table["noise_level"] == level], names))


def _residuals(run):
    table = residuals(run.one("predictions"), run.deployed, resamples=1, **run.keywords("seed", "confidence"))
    yield table.drop(columns=table.filter(regex="_ci_"))  # of one resample


RECIPES = {
    "stars": _stars,
    "experts": _experts,
    "model_predictions": _model_predictions,
    "predictions": _predictions,
    "samples": lambda run: [resampled(*run.of_run[:2], **run.keywords("seed", "resamples"))],
    "bootstrap": lambda run: [differences(*run.of_run, samples=run.one("samples"), **run.keywords("confidence"))],
    "per_bin": lambda run: [per_bin(*run.of_run, **run.keywords("bin_names", "seed", "resamples", "confidence"))],
    "by_snr": lambda run: [by_snr(*run.of_run[:2], **run.keywords("seed", "resamples", "confidence"))],
    "hypotheses": lambda run: [hypotheses(*run.of_run, samples=run.one("samples"), **run.keywords("confidence"))],
    "training_curves": lambda run: [
        training_curves(model.about_fits(run.settings["cells"], [fit["model"] for fit in run.settings["fits"]]))
    ],
    "calibrations": _calibrations,
    "calibration": lambda run: [coverage(run.one("predictions"), run.calibrations)],
    "residuals": _residuals,
    "giants_dwarfs": lambda run: [giants_dwarfs(run.one("predictions"), run.deployed, **run.keywords("confidence"))],
    "posteriors": lambda run: [posteriors(run.one("predictions"))],
}
#: largest difference, of a number and of the rms of its column; networks in single precision depend on the machine
TOLERANCE = {"model_predictions": (1e-5, 1e-4)}
RTOL, ATOL = 1e-6, 1e-9


def difference(table, again, *, rtol=RTOL, of_column=0.0):
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
            number, other = pd.to_numeric(one, errors="coerce").to_numpy(float), other.astype(float)
            atol = ATOL + of_column * np.sqrt(np.square(other).mean())
            same = np.isclose(number, other.to_numpy(), rtol=rtol, atol=atol, equal_nan=True)
        else:
            same = one.astype(object).where(one.notna(), "").to_numpy() == other.fillna("").to_numpy(object)
        if not same.all():
            row = int(np.argmin(same))
            return f"row {table.index[row]}, {column} = {one.iloc[row]}: {other.iloc[row]} when it is computed again"
    return None
