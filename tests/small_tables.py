"""All tables of a small run, made by the recipes from stars, spectra and models that are made in a moment."""

import itertools
import json

import numpy as np
import pandas as pd

from gravispec.data.features import write_features
from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.recompute import RECIPES, Tables
from gravispec.evaluation.validate import read
from gravispec.models import model
from gravispec.models.fallback import Fallback
from gravispec.models.gates import Gate
from gravispec.models.global_ridge import GlobalRidge
from gravispec.models.mixture import Mixture
from gravispec.models.oracle import Oracle
from gravispec.models.ridge import RidgeFit
from gravispec.models.tower import GlobalFeatureMLP, Towers
from gravispec.spectra.sampling import drawn_stars

N_STARS = {"train": 60, "val": 300, "test": 200}
EDGES = {"T_eff": [3750.0, 3850.0, 5000.0, 6000.0], "M_H": [-2.0, 0.5]}  # few stars in the first bin
LEVELS = (0.2, 0.5)
MODULES = {"ridge": "global_ridge", "oracle": "oracle", "gate": "mixture", "back": "fallback", "tower": "tower"}
OPTIONS = {"gate": {"family": "window"}, "back": {"of": "gate"}, "tower": {"families": ("window",)}}
NAMES = {LEVELS[0]: ["ridge", "oracle", "gate", "back"], LEVELS[1]: ["ridge", "gate", "tower"]}
CLAIM = dict.fromkeys(("statement", "model", "at_least", "at_most", "difference", "above", "noise_level", "n_train"))
CLAIM |= {"stars": "covered", "metric": "r2"}
LABELS = {"T_eff": {"low": 3750, "high": 6000}, "log_g": {"low": 1, "high": 5}, "M_H": {"low": -2.5, "high": 0.75}}
ABOUT = {
    "seed": 3,
    "resamples": 40,
    "confidence": 0.95,
    "bin_names": ["cool", "mid", "hot"],
    "edges": EDGES,
    "validation": {"fit": 0.5, "stop": 0.1},
    "labels": LABELS | {"beta": 1.2, "mag": {"low": 20.5, "high": 22.5}},
    "n_stars": N_STARS,
    "names": ["T_eff", "log_g", "M_H"],
    "user_files": [],
    "leading": "gate",
    "cells": [(level, 60, names) for level, names in NAMES.items()],
    "deployed": [(level, [name for name in names if name != "oracle"]) for level, names in NAMES.items()],
    "models": {
        name: {"module": module, "label": name, "covered": name, "all": f"{name}_full"}
        for name, module in MODULES.items()
    },
    "run": {
        "name": "r", "reference": "ridge", "rho": [], "differences": [["gate", "ridge"], ["tower", "gate"]],
        "hypotheses": {
            "good": CLAIM | {"model": "gate", "at_least": 0.5},
            "better": CLAIM | {"difference": ["gate", "ridge"], "above": 0.0},
        },
    },
}  # fmt: skip


def ridge_fit(rng, labels, flux):
    """Least squares on a few stars: a fit that is as good as these."""
    some = rng.choice(len(flux), 40, replace=False)
    design = np.hstack([flux[some], np.ones((40, 1))])
    coef = np.linalg.lstsq(design, labels[some], rcond=None)[0]
    return RidgeFit(coef[:-1], coef[-1], np.ones(3), np.ones(1), np.ones((1, 3)), 40)


def fitted(rng, ridge):
    """``{name: model}`` with random gates and towers."""
    gate = Gate("mlp", rng.normal(size=4), rng.uniform(1, 2, 4), 3, 5).eval()
    towers = [GlobalFeatureMLP(np.zeros(4), np.ones(4), 0, hidden=[3], dropout=0.0).eval() for _ in range(2)]
    curve = {"epoch": [1, 2, 1], "fit": [0.5, 0.4, 0.6], "stop": [0.6, 0.5, 0.7]}
    return {
        "ridge": GlobalRidge(ridge.coef, ridge.intercept),
        "oracle": Oracle(EDGES["T_eff"], EDGES["M_H"]),
        "gate": Mixture(gate, {"curve": {name: values[:2] for name, values in curve.items()}, "loss": "l2"}),
        "back": Fallback(0.4),
        "tower": Towers(towers, {"curve": curve | {"seed": [0, 0, 1]}, "loss": "l1"}),
    }


def inputs_of(folder, rng, stars, level):
    """Writes what models of a level read and the models; returns ``(quality, window, experts, fits)``."""
    labels = stars[["log_g", "T_eff", "M_H"]].to_numpy()
    scaled = (labels - labels.mean(axis=0)) / labels.std(axis=0)
    flux = scaled @ rng.normal(size=(3, 12)) + level * rng.normal(size=(len(stars), 12))
    splits = {split: folder / f"{split}_{level}.npy" for split in N_STARS}
    for split, path in splits.items():
        np.save(path, flux[stars["split"] == split].astype(np.float32))
    fits = {name: folder / f"{name}_{level}.npz" for name in ("ridge", "expert_0", "expert_1", "expert_2")}
    for path in fits.values():
        ridge_fit(rng, labels, flux).save(path)
    tables = {"quality": rng.uniform(2, 30, (len(stars), 2)), "window": flux[:, :4]}
    for family, values in tables.items():
        names = [f"{family} {i}" for i in range(values.shape[1])]
        tables[family] = folder / f"{family}_{level}.parquet"
        write_features(tables[family], stars, values, family=family, names=names, definition="", unit="")
    files = {"flux": list(splits.values()), "ridge": fits["ridge"], "stars": folder / "stars.parquet"}
    files |= {"experts": folder / f"experts_{level}.parquet", "features": [tables["window"]]}
    files["other"] = folder / f"gate_{level}.parquet"
    found = []
    for name, one in fitted(rng, RidgeFit.load(fits["ridge"])).items():
        if name in NAMES[level]:
            path = folder / f"{name}_{level}.safetensors"
            model.save(one, path)
            about = {"module": MODULES[name], "options": OPTIONS.get(name, {}), "noise_level": level}
            found.append((name, about | {"model": path, "files": files}))
    experts = {"experts": [fits[f"expert_{k}"] for k in range(3)], "flux": [splits["val"], splits["test"]]}
    return tables["quality"], tables["window"], experts, found


def small_tables(folder):
    """``Tables`` of a run of two levels with different models, all right; every table is in ``folder``."""
    rng = np.random.default_rng(8)
    how = {"labels": ABOUT["labels"], "names": ABOUT["names"], "seed": ABOUT["seed"]}
    stars = [drawn_stars(n, split=split, **how) for split, n in N_STARS.items()]
    stars = pd.concat(stars, ignore_index=True).assign(snr=rng.uniform(2, 30, sum(N_STARS.values())))
    stars.to_parquet(folder / "stars.parquet")
    quality, window, experts, fits = zip(*(inputs_of(folder, rng, stars, level) for level in LEVELS), strict=True)
    about = ABOUT | {"experts": experts, "fits": [about for of_level in fits for _, about in of_level]}
    paths = {"stars": [folder / "stars.parquet"], "quality": list(quality), "features": list(window)}
    paths["experts"] = [folder / f"experts_{level}.parquet" for level in LEVELS]
    paths["model_predictions"] = [folder / f"{n}_{level}.parquet" for level, names in NAMES.items() for n in names]
    paths["calibrations"] = [folder / f"calibration_{level}.json" for level in LEVELS]
    run = Tables(paths, about, read)
    for name, recipe in itertools.islice(RECIPES.items(), 1, None):
        suffix = "parquet" if name in ("experts", "model_predictions", "predictions", "samples") else "csv"
        paths.setdefault(name, [folder / f"{name}.{suffix}"])
        if name == "calibrations":
            predictions = run.one("predictions")
            for path, (level, models) in zip(paths[name], about["deployed"], strict=True):
                at_level = predictions[predictions["noise_level"] == level]
                path.write_text(json.dumps(calibration(at_level, models)))
            continue
        for path, table in zip(paths[name], recipe(run), strict=True):
            if suffix == "parquet":
                table.to_parquet(path)
            else:
                if name == "residuals":
                    table = table.assign(bias_ci_low=table["bias"] - 0.1, bias_ci_high=table["bias"] + 0.1)
                    table = table.assign(scatter_ci_low=0.1, scatter_ci_high=0.2)
                table.to_csv(path, index=False, float_format="%.8g")
    return run
