"""Figures of a run: every module of gravispec/report/figures draws any models, noise levels, and what is missing."""

from importlib import import_module

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from gravispec.evaluation.bins import by_snr, per_bin
from gravispec.evaluation.bootstrap import resampled
from gravispec.evaluation.calibration import calibration
from gravispec.evaluation.coverage import coverage
from gravispec.evaluation.curves import training_curves
from gravispec.evaluation.differences import differences
from gravispec.evaluation.residuals import giants_dwarfs, residuals
from gravispec.plugins.figures import GROUPS, figures_of, inputs_of, title_of
from gravispec.report.style import PALETTE, TURN, looks, save, style
from tests.conftest import REPO

NAMES = ["Cool Poor", "Cool Rich", "Hot Poor", "Hot Rich"]
N = 300


def entry(name, module="mixture", **options):
    return {"module": module, "label": f"the {name}", "covered": name, "all": f"{name}_full", **options}


def case(levels=(0.2,), names=("ridge", "a", "b"), weights=("a",), missing=None):
    """All that figures read, of a run with these models; ``missing``: a model that the first level does not have."""
    rng = np.random.default_rng(5)
    n = 3 * N
    stars = pd.DataFrame({"star_id": np.arange(n), "split": np.repeat(["val", "test"], [2 * N, N])})
    stars["part"] = np.repeat(["fit", "calibration", "test"], N)
    stars["log_g"], stars["T_eff"] = rng.uniform(1, 5, n), rng.uniform(4000, 6000, n)
    stars["M_H"], stars["snr"], stars["bin"] = rng.uniform(-2, 0.5, n), rng.uniform(4, 30, n), rng.integers(-1, 4, n)
    stars["uncovered"] = stars["bin"] < 0
    parts = []
    for level in levels:
        table = stars.assign(noise_level=level, n_train=500, snr_measured=stars["snr"] / (level or 1))
        for k, name in enumerate(names):
            table[name] = table["log_g"] + (0.3 + 0.1 * k) * rng.normal(size=n)
            table[f"T_eff_{name}"] = table["T_eff"] + 90 * rng.normal(size=n)
            table[f"M_H_{name}"] = table["M_H"] + 0.1 * rng.normal(size=n)
        for name in weights:
            table[[f"w_{name}_{k}" for k in range(4)]] = rng.dirichlet(np.ones(4), n)
        if level == levels[0] and missing:
            table[[c for c in table if c == missing or c.endswith(f"_{missing}")]] = np.nan
        parts.append(table)
    predictions, names = pd.concat(parts, ignore_index=True), list(names)
    models = {name: entry(name) for name in names}
    run = {"name": "r", "reference": names[0], "catalogue": names[-1], "noise_level": list(levels), "n_train": [500]}
    run["differences"] = [[name, names[0]] for name in names[1:]]
    curve = {"epoch": [1, 2, 3], "fit": [0.9, 0.7, 0.6], "stop": [0.9, 0.8, 0.85]}
    about = {(level, 500, name): {"curve": curve, "loss": "dex²"} for level in levels for name in weights}
    statistics = {"seed": 1, "resamples": 50, "confidence": 0.95}
    samples = resampled(predictions, models, seed=1, resamples=50)
    calibrations = {level: calibration(rows, names) for level, rows in predictions.groupby("noise_level")}
    return {
        "predictions": predictions, "samples": samples, "models": models, "run": run, "confidence": 0.95,
        "bin_names": NAMES, "metal_poor": [0, 2], "curves": training_curves(about),
        "bootstrap": differences(predictions, models, run, samples=samples, confidence=0.95),
        "per_bin": per_bin(predictions, models, run, bin_names=NAMES, **statistics),
        "by_snr": by_snr(predictions, models, **statistics),
        "coverage": coverage(predictions, calibrations),
        "residuals": residuals(predictions, names, **statistics),
        "giants_dwarfs": giants_dwarfs(predictions, names, confidence=0.95),
    }  # fmt: skip


@pytest.fixture(scope="module")
def cases():
    return {
        "one": case(),
        "levels": case(levels=(0.0, 1.0), names=("ridge", "a", "b", "c"), missing="a"),
        "alone": case(names=("ridge",), weights=()),
    }


def test_every_figure_has_a_title_and_a_caption():
    for name in FIGURES:
        assert len(title_of(name)) > 20
        assert (REPO / f"workflow/report/figures/{name}.rst").is_file(), "what it shows and how to read it"


FIGURES = [name for group in GROUPS for name in figures_of(group)]


def drawn(name, given):
    with style():
        return import_module(f"gravispec.report.figures.{name}").draw(**{key: given[key] for key in inputs_of(name)})


def texts(fig):
    fig.canvas.draw()
    return "\n".join(text.get_text() for text in fig.findobj(lambda artist: hasattr(artist, "get_text")))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", ["one", "levels", "alone"])
def test_every_figure_draws_every_kind_of_run(cases, name, kind):
    fig = drawn(name, cases[kind])
    assert fig.axes
    assert "nan" not in texts(fig).replace("contamination nan", "")
    plt.close(fig)


@pytest.mark.parametrize("name", ["r2_by_model", "r2_against_noise", "r2_against_snr", "delta_by_bin", "bootstrap"])
def test_models_are_shown_by_their_labels(cases, name):
    fig = drawn(name, cases["levels"])
    shown = texts(fig)
    assert all(f"the {model}" in shown for model in "bc")
    plt.close(fig)


def test_files_have_no_time_stamps(cases, tmp_path):
    png, pdf = tmp_path / "coverage.png", tmp_path / "coverage.pdf"
    found = []
    for _ in range(2):
        save(drawn("coverage", cases["one"]), png, pdf)
        found.append((png.read_bytes(), pdf.read_bytes()))
    assert found[0] == found[1]


def test_the_reference_is_grey_and_no_two_models_look_alike():
    models = {f"m{k}": entry(f"m{k}") for k in range(2 * len(TURN) + 1)}
    found = looks(models, {"reference": "m3"})
    assert list(found) == list(models)
    assert found["m3"]["color"] == PALETTE["grey"]
    assert len({(look["color"], look["marker"]) for look in found.values()}) == len(models)


def test_r2_against_noise_draws_intervals_and_what_was_published(cases):
    given = cases["levels"]
    models = given["models"] | {"c": entry("c", "lightgbm")}
    fig = drawn("r2_against_noise", given | {"models": models})
    assert "published (BOSZ)" in texts(fig)
    assert "500 training stars, 300 test stars" in texts(fig)
    (published,) = [line for line in fig.axes[0].lines if np.isin(0.5361, line.get_ydata())]
    assert published.get_markerfacecolor() == "none"
    plt.close(fig)


def test_snr_bins_show_the_number_of_stars(cases):
    fig = drawn("r2_against_snr", cases["one"])
    rows = cases["one"]["by_snr"].query("model == 'ridge'").sort_values("snr_low")
    shown = [label.get_text().split("\n")[1].replace(",", "") for label in fig.axes[0].get_xticklabels()]
    assert shown == rows["n_test"].astype(str).tolist()
    plt.close(fig)
