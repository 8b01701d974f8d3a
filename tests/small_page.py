"""Pages of a small run and a small catalogue, made in a moment: for what is in them, and what a browser does."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd

from gravispec.data.provenance import sha256
from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.summary import summary
from gravispec.predict import load_runs, predict_files
from gravispec.report.page import catalogue
from gravispec.report.page.kept import Kept
from gravispec.report.page.run import page
from gravispec.report.page.spectra import chosen_stars, spectra
from gravispec.report.page.stars import at_levels
from tests.small_run import write_run, write_spectra
from tests.test_figures import NAMES, case

LEVELS = (0.2, 1.0)
WAVE = np.linspace(8150, 8850, 400)
BEHIND = {
    "run": "r",
    "code": {"gravispec/report/render.py": "0123456789abcdef"},
    "config": {
        "seed": 1,
        "run": {},
        "dataset": {
            "kind": "pfsspec",
            "train": "a.h5",
            "val": "b.h5",
            "test": "c.h5",
            "median": "noisy",
            "continuum": 0,
        },
        "grid": None,
        "models": {},
        "ridge": {"folds": 5},
        "validation": {"fit": 0.7, "stop": 0.1},
    },
}


def small_page(folder, levels=LEVELS):
    """``page``: path of the HTML, and what is in it: ``tables``, ``models``, ``run``, ``calibrations``."""
    given = case(levels=levels, names=("ridge", "a", "b"))
    rng, models, run = np.random.default_rng(1), given["models"], given["run"] | {"rho": None, "dataset": "mine"}
    predictions = given["predictions"].assign(edge=False)
    n = len(predictions)
    predictions["star_id"] = [f"star <{k}>" for k in predictions["star_id"]]  # not HTML
    predictions["edge"], predictions["chi2"] = rng.random(n) < 0.1, rng.chisquare(50, n) / 50
    calibrations = {level: calibration(rows, list(models)) for level, rows in predictions.groupby("noise_level")}
    tables = {name: given[name] for name in ("coverage", "per_bin", "by_snr", "curves")}
    tables |= {"predictions": predictions, "stress": stress(models), "hypotheses": claims()}
    tables["posteriors"] = given["coverage"].assign(pull_mean=0.0, pull_std=1.0)
    tables["summary"] = summary(predictions, models, run, samples=given["samples"], about={}, confidence=0.95)

    def of_stars():
        rows = next(iter(at_levels(predictions).values()))
        stars = chosen_stars(rows, run["catalogue"])
        flux = 1 + 0.1 * rng.normal(size=(len(stars), len(WAVE)))
        samples = {"flux": flux, "sigma": np.full_like(flux, 0.1), "model": np.ones_like(flux)}
        return spectra(WAVE, samples, [f"{rows['star_id'].iloc[k]} ({why})" for k, why in stars.items()], "Spectra.")

    file = folder / "posteriors.csv"
    file.write_text("a\n1\n")
    text = page(
        tables,
        models,
        run,
        confidence=0.95,
        bin_names=NAMES,
        calibrations=calibrations,
        spectra=of_stars,
        behind=BEHIND,
        sizes={str(file): 4},
        shown={str(file)},
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    digest = sha256(file)
    return SimpleNamespace(path=path, text=text, tables=tables, models=models, run=run, calibrations=calibrations,
                           digest=digest)  # fmt: skip


def small_catalogue(folder):
    """``page`` of two files of spectra, by a run with random coefficients: path, text, table and kept spectra."""
    runs = load_runs([write_run(folder / "small")])
    kept, ids = Kept(runs), tuple(f"star_{k}" for k in range(12))
    files = [write_spectra(folder / f"{k}.fits", ids, seed=k) for k in range(2)]
    table = pd.concat([rows for _, rows, _ in predict_files(runs, files, seen=kept.add)], ignore_index=True)
    table.loc[3, "problem"] = "median flux is not positive"
    table.loc[::5, "flags"] = 8 + 1  # UNLIKE_TRAINING, OUTSIDE_LABELS
    model, path = folder / "small/model.safetensors", folder / "mine.html"
    about = {"name": "mine", "models": [model], "command": "snakemake x"}
    text = catalogue.page(table, kept.table, ["x.fits: no spectra"], **about)
    path.write_text(text, encoding="utf-8")
    return SimpleNamespace(path=path, text=text, table=table, kept=kept.table)


def stress(models):
    rng = np.random.default_rng(3)
    rows = []
    for level in LEVELS:
        for model in models:
            for k, name in enumerate(("none", "velocity_plus_10", "slope_5", "sky_residuals_5")):
                row = {"noise_level": level, "model": model, "stress": name, "what": f"what {name} is", "n_test": 300}
                for measure in ("bias", "scatter", "coverage95"):
                    change = float(rng.normal()) * (k > 0) * (50 if k == 3 else 0.1)
                    row |= {f"{measure}_change": change, f"{measure}_ci_low": change - 0.05}
                    row |= {f"{measure}_ci_high": change + 0.05, measure: 0.5}
                rows.append(row | {"r2": 0.8, "flagged": 0.1, "not_done": np.nan})
    return pd.DataFrame(rows)


def claims():
    return pd.DataFrame(
        {
            "id": ["x"],
            "statement": ["R² of a is at least 0.5"],
            "noise_level": [0.2],
            "n_train": [500],
            "stars": ["all"],
        }
        | {"measured": [0.9], "threshold": [0.5], "passed": [True], "n_test": [300]}
    )


def rows_of(text, name):
    """``[[value or text of a cell]]`` of a table of a page: what sorts, a float where the column has numbers."""
    table = re.search(rf'<table id="table-{name}".*?<tbody>(.*?)</tbody>', text, re.S)[1]
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", table, re.S):
        cells = re.findall(r'<t[hd][^>]*?(?: data-value="(.*?)")?>(.*?)</t[hd]>', row, re.S)
        found.append([float(value) if value else shown for value, shown in cells])
    return found
