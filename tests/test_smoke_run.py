"""The smoke run as its user sees it: every product is there, complete and shown with its n."""

import importlib
import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gravispec.data.provenance import sha256
from gravispec.evaluation.cells import scores
from gravispec.features.family import compute, open_inputs
from gravispec.models.ridge import RidgeFit
from tests.conftest import Checkout
from tests.small_page import rows_of
from tests.test_page import sources

MODELS = ["global_ridge", "oracle", "hard", "classify", "linear", "mlp"]
FIGURES = ["r2_by_model", "delta_by_bin", "bootstrap", "gate_weights", "predicted_vs_true", "spectra"]
FIGURES += ["coverage", "residuals", "giants_dwarfs", "learning_curves", "r2_against_snr"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(smoke):
    return smoke.path / "results" / "moe_smoke"


@pytest.fixture(scope="module")
def predictions(run):
    return pd.read_parquet(run / "predictions.parquet")


def of_model(run, name, model):
    """The rows of a model in a table."""
    return pd.read_csv(run / f"{name}.csv").query(f"model == '{model}'")


def test_the_default_target_says_how_to_make_the_rest(smoke):
    assert "snakemake -c8 results/RUN/summary.csv" in smoke.process.stdout
    assert "moe_100k" in smoke.process.stdout


def test_a_second_run_does_nothing(smoke):
    assert "Nothing to be done" in smoke.snakemake().stdout


def test_summary_agrees_with_the_predictions(run, predictions):
    summary = pd.read_csv(run / "summary.csv").set_index("model")
    test = predictions[predictions["split"] == "test"]
    rows = {"covered": dict.fromkeys(MODELS), "all": {}}
    rows["covered"] = {name: name for name in MODELS} | {"mlp_fallback_covered": "mlp_fallback"}
    rows["all"] = {f"{name}_full": name for name in ("hard", "classify", "linear", "mlp")}
    rows["all"] |= {
        "global_full": "global_ridge",
        "mlp_fallback": "mlp_fallback",
    }  # an oracle knows covered stars alone
    assert sorted(summary.index) == sorted([*rows["covered"], *rows["all"]])
    for stars, keep in (("covered", ~test["uncovered"]), ("all", slice(None))):
        here = test[keep]
        for row, model in rows[stars].items():
            assert summary.loc[row, "stars"] == stars
            for name, value in scores(here["log_g"], here[model]).items():
                assert summary.loc[row, name] == pytest.approx(value, rel=1e-6), (row, name)
        np.testing.assert_allclose(summary.loc[list(rows[stars]), "coverage"], len(here) / len(test))
    assert summary.loc["mlp_full", "n_test"] == len(test) == 600


def test_every_table_shows_n(run):
    quality = ("calibration", "residuals", "giants_dwarfs", "stress")
    for name in ("summary", "per_bin", "by_snr", "bootstrap", "hypotheses", *quality):
        table = pd.read_csv(run / f"{name}.csv")
        assert "n_test" in table.columns, name
        assert (table["n_test"] > 0).all(), name


@pytest.mark.parametrize(("model", "row"), [("mlp", "mlp_full"), ("global_ridge", "global_full")])
def test_unstressed_stars_are_those_of_the_summary(run, model, row):
    """The stress table adds the run's own noise and takes its catalogue: without a stress both are the run's."""
    stress, summary = of_model(run, "stress", model).set_index("stress"), pd.read_csv(run / "summary.csv")
    calibration = of_model(run, "calibration", model).query("label == 'log_g' and nominal == 0.95 and by == 'all'")
    residuals = of_model(run, "residuals", model).query("label == 'log_g' and by == 'all'")
    assert stress.loc["none", "r2"] == pytest.approx(summary.set_index("model").loc[row, "r2"], abs=1e-6)
    assert stress.loc["none", "coverage95"] == pytest.approx(calibration["coverage"].iloc[0], abs=1e-9)
    for statistic in ("bias", "scatter"):
        assert stress.loc["none", statistic] == pytest.approx(residuals[statistic].iloc[0], abs=1e-5)
        assert stress.loc["none", f"{statistic}_change"] == 0
    # opposite velocities and resolutions pull to opposite sides
    assert stress.loc["velocity_plus_10", "bias_change"] * stress.loc["velocity_minus_10", "bias_change"] < 0
    assert stress.loc["sky_residuals_5", "unlike_training"] == 1
    assert stress["not_done"].isna().all()


def test_a_wrong_resolution_costs(run):
    stress = of_model(run, "stress", "mlp").set_index("stress")
    assert stress.loc["resolution_minus_10", "r2_ci_high"] < 0 < stress.loc["resolution_plus_10", "r2_ci_low"]


def test_flags_of_spectra_that_are_as_in_training_and_of_others(run):
    """False alarms are 0.5 % of each kind by construction: here of 600 stars, by limits from 600 others."""
    stress = of_model(run, "stress", "mlp").set_index("stress")
    kinds = ["line_width", "line_core", "line_depth", "slope"]
    assert (stress.loc["none", kinds] <= 0.025).all()
    for name, kind, rate in (
        ("resolution_2000", "line_width", 0.95),
        ("vsini_100", "line_width", 0.95),
        ("ca_filled_10", "line_core", 0.25),
        ("constant_0p2", "line_depth", 0.5),
        ("slope_5", "slope", 0.5),
        ("reddening_0p1", "slope", 0.3),
        ("reddening_0p3", "slope", 0.8),
    ):
        assert stress.loc[name, kind] >= rate, name
        assert stress.loc[name, "flagged"] >= stress.loc[name, kind]


def test_giants_and_dwarfs_are_all_test_stars(run, predictions):
    test = predictions[predictions["split"] == "test"]
    for model in ("global_ridge", "mlp"):
        table = of_model(run, "giants_dwarfs", model).set_index("true")
        expected = pd.crosstab(test["log_g"] >= 3.5, test[model] >= 3.5).to_numpy()
        assert table[["predicted_giant", "predicted_dwarf"]].to_numpy().tolist() == expected.tolist()


def test_the_page_has_the_summary_and_every_test_star(run, predictions):
    text, summary = (run / "report.html").read_text(), pd.read_csv(run / "summary.csv")
    assert len(text.encode()) <= 5_000_000
    rows = np.array([row[4:7] for row in rows_of(text, "verdict")], float)
    np.testing.assert_allclose(rows, summary[["n_test", "r2", "rmse"]], rtol=1e-7)
    (shown,) = [source for source in sources(text) if "predicted" in source]
    test = predictions[predictions["split"] == "test"]
    assert list(shown["star_id"]) == test["star_id"].tolist()
    np.testing.assert_allclose(shown["predicted"], test["mlp"], atol=3e-4)
    (spectrum,) = [source for source in sources(text) if "residual" in source and "wave" in source]
    # residuals in units of sigma: the reconstruction leaves the noise
    assert 0.8 < np.nanstd(spectrum["residual"]) < 1.3
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["beside"]["results/moe_smoke/report.html"]["sha256"] == sha256(run / "report.html")


def test_snakemakes_report_has_a_caption_and_a_label_for_everything(smoke, tmp_path):
    process = smoke.snakemake("--report", tmp_path / "report.zip", "results/moe_smoke/summary.csv")
    assert process.returncode == 0, process.stdout[-3000:]
    with zipfile.ZipFile(tmp_path / "report.zip") as file:
        text = file.read("report/report.html").decode()
    written = text.split('<script id="results">')[1].split("var results = ")[1]
    found = json.JSONDecoder().raw_decode(written)[0]
    tables = ["summary", "bootstrap", "per_bin", "by_snr", "hypotheses", "calibration", "residuals", "giants_dwarfs"]
    names = [*(f"{name}.csv" for name in (*tables, "posteriors", "stress")), "report.html"]
    names += [f"figures/{name}.png" for name in FIGURES]
    assert set(found) == {f"results/moe_smoke/{name}" for name in names}
    for path, about in found.items():
        assert len(about["caption"]) > 60, path
        assert about["labels"]["shows"], path
    assert len({about["caption"] for about in found.values()}) == len(found)
    assert "How to read this report" in text


def test_figures_are_png_at_200_dpi_and_pdf(run):
    from PIL import Image

    for name in FIGURES:
        with Image.open(run / "figures" / f"{name}.png") as image:
            assert image.info["dpi"][0] == pytest.approx(200, abs=0.5)
            assert np.asarray(image.convert("L")).std() > 1, f"{name} is blank"
        assert (run / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_predictions_have_every_model_weight_and_flag(predictions, smoke):
    stars = pd.read_parquet(smoke.path / "results/spectra/smoke/stars.parquet")
    expected = stars.loc[stars["split"] != "train", "star_id"]
    assert predictions["star_id"].tolist() == expected.tolist()
    columns = ["noise_level", "n_train", "bin", "part", "T_eff", "log_g", "M_H", "mag", "snr", "snr_measured", "chi2"]
    columns += [f"{label}{model}" for model in (*MODELS, "mlp_fallback") for label in ("", "T_eff_", "M_H_")]
    assert {*columns, "uncovered", "edge"} <= set(predictions)
    assert predictions["part"].value_counts().to_dict() == {
        "test": 600, "fit": 420, "calibration": 120, "stop": 60,
    }  # fmt: skip
    for gate in ("classify", "linear", "mlp", "hard"):
        weights = predictions[[f"w_{gate}_{k}" for k in range(9)]].to_numpy()
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    assert predictions.loc[predictions["uncovered"], "oracle"].isna().all()
    others = [name for name in predictions if "oracle" not in name]
    assert predictions[others].select_dtypes("number").notna().all(axis=None)


def test_an_expert_predicts_what_its_file_says(predictions, smoke):
    stars = pd.read_parquet(smoke.path / "results/spectra/smoke/stars.parquet")
    noisy = smoke.flux()
    row = int(np.flatnonzero((stars["split"] == "test").to_numpy())[0])
    star = predictions.set_index("star_id").loc[stars.loc[row, "star_id"]]
    folder = smoke.path / "results/features/smoke/noise_0.2/train_2400/experts"
    values = np.array([RidgeFit.load(folder / f"{k}.npz").predict(noisy[row : row + 1])[0] for k in range(9)])[:, 0]
    weights = star[[f"w_mlp_{k}" for k in range(9)]].to_numpy(float)
    assert star["mlp"] == pytest.approx(weights @ values, abs=1e-9)


def test_feature_table_is_described(smoke):
    path = smoke.path / "results/features/smoke/noise_0.2/train_2400/window.parquet"
    about = json.loads(pq.read_schema(path).metadata[b"gravispec"])
    assert about["family"] == "window"
    assert len(about["names"]) == 13
    table = pd.read_parquet(path)
    assert list(table.columns) == ["star_id", "split", *(f"window_{i:02d}" for i in range(13))]
    assert len(table) == 3600
    assert (table.dtypes.iloc[2:] == np.float32).all()


@pytest.mark.parametrize("name", ["window", "quality"])
def test_features_of_shards_are_those_of_all_stars_in_one_go(name, smoke):
    """But for the rounding of products of other numbers of rows."""
    family = importlib.import_module(f"gravispec.features.{name}")
    results = smoke.path / "results"
    names, trained = ("train_0", "val_0", "test_0"), results / "features/smoke/noise_0.2/train_2400"
    files = {"flux": [results / f"noisy/smoke/noise_0.2/{shard}.npy" for shard in names]}
    files |= {"sigma": [results / f"noisy/smoke/noise_0.2/sigma/{shard}.npy" for shard in names]}
    files |= {"wave": results / "spectra/smoke/wave.npy", "pca": trained / "pca.npz"}
    inputs = open_inputs(family, files, trained=None, mode=None)
    expected = compute(family, inputs, "train", 0)
    table = pd.read_parquet(trained / f"{name}.parquet")
    found = table.filter(regex=rf"^{name}_\d+$").to_numpy()
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-6)
    stars = pd.read_parquet(results / "spectra/smoke/stars.parquet")
    pd.testing.assert_frame_equal(table[["star_id", "split"]], stars[["star_id", "split"]])
    # the shards themselves are gone
    assert not (trained / name).exists()


def test_every_job_leaves_a_log_and_its_cost(smoke):
    folders = ("moe_smoke", "features/smoke/noise_0.2/train_2400", "models/smoke/noise_0.2/train_2400/mlp")
    folders = [smoke.path / "results" / folder for folder in folders]
    logs = [path for folder in folders for path in folder.rglob("*.log")]
    assert len(logs) > 30
    assert all("done in" in path.read_text() for path in logs)
    costs = {path.name for folder in folders for path in folder.rglob("*.tsv")}
    assert {path.with_suffix(".tsv").name for path in logs} <= costs


def test_other_threads_give_the_same_fits_and_predictions(smoke, tmp_path):
    """What is split among threads - products, a gate, the Ridge, experts - made again in a copy."""
    copy = Checkout.__new__(Checkout)
    copy.path = tmp_path / "smoke"
    shutil.copytree(smoke.path, copy.path, ignore=shutil.ignore_patterns("grids"), symlinks=True)
    at = "results/{}/smoke/noise_0.2/train_2400"
    ridge, experts = (at.format("features") + f"/{name}" for name in ("ridge.npz", "experts.parquet"))
    predictions = at.format("models") + "/mlp/predictions.parquet"
    threads = ["--set-threads", "global_ridge=1", "expert=2", "model=2"]
    process = copy.snakemake("-R", "global_ridge", "expert", "model", *threads, "--", predictions)
    assert process.returncode == 0, process.stdout[-5000:]
    for name in (ridge, experts, predictions):
        assert (copy.path / name).stat().st_mtime > (smoke.path / name).stat().st_mtime, name
    for name in (experts, predictions):
        tables = [pd.read_parquet(path / name) for path in (smoke.path, copy.path)]
        pd.testing.assert_frame_equal(*tables, rtol=1e-6, atol=1e-6, check_exact=False)
    coef = [np.load(path / ridge)["coef"] for path in (smoke.path, copy.path)]
    np.testing.assert_allclose(*coef, rtol=0, atol=1e-6 * np.abs(coef[0]).max())
