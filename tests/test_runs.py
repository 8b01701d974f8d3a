"""A run of several noise levels and sizes with a model, a family, a figure, a stress and a format of the reader's own.

All five are added as docs/architecture.md says: what is written there is what runs here, once, on the smoke data set.
"""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.table import Table

from gravispec.evaluation.cells import scores
from gravispec.models import model
from gravispec.report.figures import r2_by_model
from tests.conftest import REPO

pytestmark = pytest.mark.slow
RUN, MINE = "results/several", "nearest_mean"
CELLS = [(0.2, 1200), (0.2, 2400), (0.5, 1200), (0.5, 2400)]
#: limits of the models that are not everywhere
HERE = {"noise_level": 0.2, "n_train": 2400}


def recipe(title):
    """``{path: module}`` and the blocks that are no module of a section of the page on the architecture."""
    section = (REPO / "docs/architecture.md").read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```(?:python|yaml)\n(.*?)```", section, re.S)
    modules = [block for block in blocks if block.startswith('"""')]
    return dict(zip(re.findall(r"`(gravispec/\w+/\S*?\w+\.py)`", section), modules, strict=False)), [
        block for block in blocks if block not in modules
    ]


def insert(path, after, text):
    """Put text into a file where the pattern ``after`` ends, which is in one place."""
    found, n = re.subn(after, lambda match: match[0] + text, path.read_text(), flags=re.M)
    assert n == 1
    path.write_text(found)


@pytest.fixture(scope="module")
def overlay(more):
    (entry,) = recipe("Add a model")[1]
    tower = {"module": "tower", "families": ["pca", "ridge", "halves"], "seeds": 2, "epochs": 4}
    gate = {"module": "mixture", "family": "halves", "epochs": 4}
    models = yaml.safe_load(entry)["models"] | {"small_tower": tower, "gate_of_halves": gate}
    several = {
        "dataset": "smoke",
        "noise_level": [0.5, 0.2],
        "n_train": [2400, 1200],
        "models": ["global_ridge", MINE, {"mlp": HERE}, {"small_tower": HERE}, {"gate_of_halves": HERE},
                   {"metadata": HERE}],
        "hypotheses": {"mine": {"model": MINE, "at_most": 0.99}, "gain": {"difference": ["mlp", MINE], "above": 0}},
        "catalogue": MINE,
    }  # fmt: skip
    fewer = {"like": "several", "n_train": 1200, "models": ["global_ridge", MINE]}
    comparisons = {"growth": ["fewer", "several"], "against": ["moe_smoke:mlp", f"several:{MINE}"]}
    return more(
        models=models,
        runs={"several": several, "fewer": fewer},
        comparisons=comparisons,
        evaluation={"resamples": 200},
    )


@pytest.fixture(scope="module")
def made(smoke, overlay):
    """The checkout with the run and both comparisons, and what was planned for these once the run was there."""
    modules = {}
    for title in ("Add a model", "Add a feature family", "Add a figure", "Add a data source"):
        modules |= recipe(title)[0]
    assert len(modules) == 4
    stresses, formats = (smoke.path / f"gravispec/{name}.py" for name in ("evaluation/stress", "observed/formats"))
    before = {path: path.read_text() for path in (stresses, formats)}
    (_, line), (choice,) = recipe("Add a kind of noise")[1], recipe("Add a data source")[1]
    try:
        for name, text in modules.items():
            assert len(text.splitlines()) <= 30
            (smoke.path / name).write_text(text)
        insert(stresses, r"^STRESSES.*= \{\n", line)
        insert(formats, r"\n(?=        else:\n            what = )", choice)
        process = smoke.snakemake(*overlay, f"{RUN}/summary.csv")
        assert process.returncode == 0, process.stdout[-5000:]
        tables = [f"results/comparison/{name}.csv" for name in ("growth", "against")]
        smoke.planned_for_comparisons = smoke.planned(*overlay, *tables)
        process = smoke.snakemake(*overlay, *tables)
        assert process.returncode == 0, process.stdout[-5000:]
        yield smoke
    finally:
        for path, text in before.items():
            path.write_text(text)
        for name in modules:
            (smoke.path / name).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def table(made):
    return lambda name: pd.read_csv(made.path / RUN / f"{name}.csv")


@pytest.fixture(scope="module")
def predictions(made):
    return pd.read_parquet(made.path / RUN / "predictions.parquet")


def cells_of(table, model=MINE):
    rows = table[table["model"] == model]
    return sorted(set(zip(rows["noise_level"], rows["n_train"], strict=True)))


def test_every_cell_has_its_models_and_agrees_with_the_predictions(table, predictions):
    summary = table("summary").query("stars == 'all'")
    test = predictions[predictions["split"] == "test"]
    for (level, n_train), rows in summary.groupby(["noise_level", "n_train"]):
        cell = test[(test["noise_level"] == level) & (test["n_train"] == n_train)]
        expected = {"global_full", f"{MINE}_full"}
        if (level, n_train) == tuple(HERE.values()):
            expected |= {f"{name}_full" for name in ("mlp", "small_tower", "gate_of_halves", "metadata")}
        assert set(rows["model"]) == expected
        found = rows.set_index("model")["r2"]
        for row, column in (("global_full", "global_ridge"), (f"{MINE}_full", MINE)):
            assert found[row] == pytest.approx(scores(cell["log_g"], cell[column])["r2"], rel=1e-6)
    assert (summary["n_test"] == 600).all()
    assert cells_of(summary, "global_full") == CELLS
    r2 = summary.set_index(["noise_level", "n_train", "model"])["r2"].xs("global_full", level="model")
    assert (r2[0.2] > r2[0.5]).all()  # noise costs
    assert (r2[:, 2400] > r2[:, 1200]).all()  # training stars help


def test_models_are_shared_with_other_runs(made, predictions):
    other = pd.read_parquet(made.path / "results/moe_smoke/predictions.parquet")
    same = predictions.query("noise_level == 0.2 and n_train == 2400")
    for name in ("mlp", "global_ridge"):
        np.testing.assert_array_equal(same[name], other[name])
    assert made.planned_for_comparisons == {"comparison": 2}


def test_a_new_model_is_in_every_table(table, predictions):
    assert cells_of(table("summary"), MINE) == CELLS
    for name in ("per_bin", "by_snr"):
        assert cells_of(table(name)) == CELLS, name
    for name in ("calibration", "residuals", "giants_dwarfs", "stress"):
        rows = table(name).query(f"model == '{MINE}'")
        assert set(rows["noise_level"]) == {0.2, 0.5}, name
    differences = table("bootstrap").query(f"comparison == '{MINE} - global_ridge'")
    assert len(differences) == 2 * len(CELLS)
    r2 = table("summary").set_index(["noise_level", "n_train", "model"])["r2"]
    for row in differences.itertuples():
        pair = (MINE, "global_ridge") if row.stars == "covered" else (f"{MINE}_full", "global_full")
        mine, other = (r2[row.noise_level, row.n_train, name] for name in pair)
        assert row.delta_r2 == pytest.approx(mine - other, abs=1e-6)
        assert row.ci_low < row.delta_r2 < row.ci_high
    claims = table("hypotheses").set_index("id")
    assert len(claims.loc[["mine"]]) == len(CELLS)
    assert claims.loc["mine", "passed"].all()
    assert len(claims.loc[["gain"]]) == 1  # mlp is in one cell
    # of log g alone: the others are the Ridge's
    for label in ("T_eff", "M_H"):
        np.testing.assert_allclose(predictions[f"{label}_{MINE}"], predictions[f"{label}_global_ridge"], rtol=1e-6)


def test_a_new_model_is_in_the_figures(made, predictions):
    """Drawn once more, where the names in a figure can be asked for."""
    samples = pd.read_parquet(made.path / RUN / "bootstrap_samples.parquet")
    models = {name: {"label": name.replace("_", " ")} for name in samples["model"].unique()}
    run = {"reference": "global_ridge", "name": "several", "catalogue": MINE}
    figure = r2_by_model.draw(predictions, samples, models, run, 0.95)
    assert "nearest mean" in {text.get_text() for ax in figure.axes for text in ax.get_yticklabels()}
    drawn = made.path / RUN / "figures"
    for name in ("r2_by_model", "r2_against_noise", "learning_curves", "gate_weights"):
        assert (drawn / f"{name}.png").stat().st_size > 10_000
        assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_a_new_figure_is_drawn_of_the_run(made):
    assert (made.path / RUN / "figures/error_by_magnitude.pdf").read_bytes().startswith(b"%PDF")


def test_a_new_stress_is_a_row_of_every_model(table):
    rows = table("stress").query("stress == 'slope_20'")
    assert set(rows.query("noise_level == 0.5")["model"]) == {"global_ridge", MINE}
    assert set(rows.query("noise_level == 0.2")["model"]) == {
        "global_ridge",
        MINE,
        "mlp",
        "small_tower",
        "gate_of_halves",
    }


def test_a_tower_reads_the_new_family_and_has_as_many_seeds_as_asked_for(made, table, predictions):
    trained = model.load(made.path / "results/models/smoke/noise_0.2/train_2400/small_tower/model.safetensors")
    curves = table("training_curves").query("model == 'small_tower'")
    assert curves["seed"].nunique() == 2
    assert curves["epoch"].max() <= 4
    row = table("summary").query("model == 'small_tower_full'").iloc[0]
    cell = predictions.query("split == 'test' and noise_level == 0.2 and n_train == 2400")
    each = [scores(cell["log_g"], cell[f"seed_small_tower_{i}"])["r2"] for i in range(2)]
    np.testing.assert_array_equal(cell["small_tower"], cell["seed_small_tower_0"])
    assert row["n_seeds"] == 2
    assert row["r2_seed_mean"] == pytest.approx(np.mean(each), rel=1e-6)
    assert row["r2_seed_std"] == pytest.approx(np.std(each, ddof=1), rel=1e-5)
    assert row["parameters"] == trained.about["parameters"]
    features = pd.read_parquet(made.path / "results/features/smoke/noise_0.2/train_2400/halves.parquet")
    assert list(features.filter(like="halves_")) == ["halves_00", "halves_01"]


def test_metadata_say_nothing_of_log_g_and_are_in_no_catalogue(table):
    assert table("summary").query("model == 'metadata_full'")["r2"].abs().max() < 0.1
    for name in ("calibration", "stress"):
        assert "metadata" not in set(table(name)["model"])


def test_a_new_model_labels_spectra_of_a_catalogue(made, predictions):
    flux, wave = made.flux(splits=["test"])[:40], np.load(made.path / "results/spectra/smoke/wave.npy")
    spectra = Table({"flux": flux, "error": made.sigma(splits=["test"])[:40]})
    spectra["wave"] = np.tile(wave, (len(flux), 1))
    spectra["wave"].unit = "Angstrom"
    spectra["flux"].unit = spectra["error"].unit = "erg s-1 cm-2 Angstrom-1"
    spectra.meta["AIRORVAC"] = "VACUUM"
    spectra.write(made.path / "mine.fits", overwrite=True)
    command = [sys.executable, "-m", "gravispec", "predict", "mine.fits", "--run", RUN, "--model", MINE, "-o", "m.csv"]
    process = subprocess.run(command, cwd=made.path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    found = pd.read_csv(made.path / "m.csv", comment="#")
    assert set(found["noise_level"]) == {0.2, 0.5}  # of faint stars at the level whose S/N is like theirs
    bright = found[found["noise_level"] == 0.2]
    cell = predictions.query("split == 'test' and noise_level == 0.2 and n_train == 2400")
    np.testing.assert_allclose(bright["log_g"], cell[MINE].iloc[bright.index], atol=1e-4)
    # of the other level's 20 groups, though no star of its tables has this noise
    groups = set(predictions.query("noise_level == 0.5 and n_train == 2400")[MINE].round(5))
    assert set(found["log_g"].drop(bright.index).round(5)) <= groups


def test_a_new_format_of_observed_spectra_is_read(made, predictions):
    flux, sigma = made.flux(splits=["test"])[7], made.sigma(splits=["test"])[7]
    wave = np.load(made.path / "results/spectra/smoke/wave.npy")
    columns = np.column_stack([wave, flux, sigma])
    np.savetxt(made.path / "star-7.dat", columns, header="gravispec columns", fmt="%.9g")
    command = [sys.executable, "-m", "gravispec", "predict", "star-7.dat", "--run", "results/moe_smoke", "-o", "t.csv"]
    process = subprocess.run(command, cwd=made.path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    (row,) = pd.read_csv(made.path / "t.csv", comment="#").itertuples()
    cell = predictions.query("split == 'test' and noise_level == 0.2 and n_train == 2400")
    assert row.star_id == "star-7"
    assert row.log_g == pytest.approx(cell["mlp"].iloc[7], abs=1e-3)


def test_a_new_model_is_in_the_provenance(made):
    about = json.loads(made.read(f"{RUN}/provenance.json"))
    assert "gravispec/models/nearest_mean.py" in about["code"]
    assert about["config"]["models"][MINE]["groups"] == 20


def test_runs_and_models_are_compared_on_the_same_stars(made, table):
    growth = pd.read_csv(made.path / "results/comparison/growth.csv")
    assert set(growth["run"]) == {"fewer", "several"}
    assert set(growth["model"]) == {"global_ridge", MINE}  # every model in common
    assert set(growth["noise_level"]) == {0.2, 0.5}
    assert set(growth.query("run == 'several'")["n_train"]) == {2400}
    summary = table("summary").query("model == 'global_full'").set_index(["noise_level", "n_train"])["r2"]
    for _, row in growth.query("model == 'global_ridge' and stars == 'all'").iterrows():
        assert row["r2"] == pytest.approx(summary[row["noise_level"], row["n_train"]], rel=1e-6)
    gains = growth.query("run == 'several' and model == 'global_ridge'")
    assert (gains["passed"] == (gains["delta_ci_low"] > 0)).all()
    against = pd.read_csv(made.path / "results/comparison/against.csv").query("stars == 'all'")
    assert against[["run", "model"]].to_numpy().tolist() == [["moe_smoke", "mlp"], ["several", MINE]]
    mine = against.iloc[1]
    assert mine["delta_r2_vs_moe_smoke"] == pytest.approx(mine["r2"] - against["r2"].iloc[0], abs=1e-6)
    assert mine["delta_ci_low"] < mine["delta_r2_vs_moe_smoke"] < mine["delta_ci_high"]
    assert (against["n_test"] == 600).all()


def test_a_second_run_does_nothing(made, overlay):
    assert made.planned(*overlay, f"{RUN}/summary.csv") == {}
