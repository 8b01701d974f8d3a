"""The smoke run as its user sees it: every product is there, complete and shown with its n."""

import importlib
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gravispec.config import load
from gravispec.evaluation.metrics import scores
from gravispec.features.family import compute, open_inputs
from gravispec.models import gates
from gravispec.models.ridge import RidgeFit
from tests.conftest import Checkout

MODELS = ["global_ridge", "oracle", "hard", "classify", "linear", "mlp"]
FIGURES = ["r2_by_model", "delta_by_bin", "bootstrap", "gate_weights", "predicted_vs_true", "spectra"]
FIGURES += ["coverage", "residuals", "giants_dwarfs"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(smoke):
    return smoke.path / "results" / "moe_smoke"


@pytest.fixture(scope="module")
def predictions(run):
    return pd.read_parquet(run / "predictions.parquet")


def test_the_default_target_says_how_to_make_the_rest(smoke):
    assert "snakemake -c8 results/RUN/summary.csv" in smoke.process.stdout
    assert "moe_100k" in smoke.process.stdout


def test_a_second_run_does_nothing(smoke):
    assert "Nothing to be done" in smoke.snakemake().stdout


def test_summary_agrees_with_the_predictions(run, predictions):
    summary = pd.read_csv(run / "summary.csv").set_index("model")
    assert list(summary.index) == [*MODELS, "mlp_full", "mlp_fallback", "global_full"]
    test = predictions[predictions["split"] == "test"]
    covered = test[~test["uncovered"]]
    for model in MODELS:
        expected = scores(covered["log_g"], covered[model])
        for name in ("n_test", "r2", "mae", "rmse"):
            assert summary.loc[model, name] == pytest.approx(expected[name], rel=1e-6)
    assert summary.loc["mlp_full", "n_test"] == len(test) == 600
    assert summary.loc["mlp", "coverage"] == pytest.approx(len(covered) / 600)


def test_every_table_shows_n(run):
    quality = ("calibration", "residuals", "giants_dwarfs", "stress")
    for name in ("summary", "per_bin", "bootstrap", "hypotheses", *quality):
        table = pd.read_csv(run / f"{name}.csv")
        assert "n_test" in table.columns, name
        assert (table["n_test"] > 0).all(), name


def test_unstressed_stars_are_those_of_the_summary(run, predictions):
    """The stress table adds the run's own noise and takes its catalogue: without a stress both are the run's."""
    stress = pd.read_csv(run / "stress.csv").set_index("stress")
    summary = pd.read_csv(run / "summary.csv").set_index("model")
    calibration = pd.read_csv(run / "calibration.csv").query("label == 'log_g' and nominal == 0.95 and by == 'all'")
    residuals = pd.read_csv(run / "residuals.csv").query("label == 'log_g' and by == 'all'")
    assert stress.loc["none", "r2"] == pytest.approx(summary.loc["mlp_full", "r2"], abs=1e-6)
    assert stress.loc["none", "coverage95"] == pytest.approx(calibration["coverage"].iloc[0], abs=1e-9)
    for statistic in ("bias", "scatter"):
        assert stress.loc["none", statistic] == pytest.approx(residuals[statistic].iloc[0], abs=1e-5)
        assert stress.loc["none", f"{statistic}_change"] == 0
    # opposite velocities and resolutions pull to opposite sides
    assert stress.loc["velocity_plus_10", "bias_change"] * stress.loc["velocity_minus_10", "bias_change"] < 0
    assert stress.loc["resolution_minus_10", "r2_ci_high"] < 0 < stress.loc["resolution_plus_10", "r2_ci_low"]
    assert stress.loc["sky_residuals_5", "unlike_training"] == 1
    assert stress["not_done"].isna().all()


def test_flags_of_spectra_that_are_as_in_training_and_of_others(run):
    """False alarms are 0.5 % of each kind by construction: here of 600 stars, by limits from 600 others."""
    stress = pd.read_csv(run / "stress.csv").set_index("stress")
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
    table = pd.read_csv(run / "giants_dwarfs.csv").set_index("true")
    test = predictions[predictions["split"] == "test"]
    expected = pd.crosstab(test["log_g"] >= 3.5, test["mlp"] >= 3.5).to_numpy()
    assert table[["predicted_giant", "predicted_dwarf"]].to_numpy().tolist() == expected.tolist()


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
    columns = [*MODELS, "mlp_fallback", "uncovered", "edge", "bin", "part", "T_eff", "log_g", "M_H", "mag", "snr"]
    assert set(columns) <= set(predictions)
    assert predictions["part"].value_counts().to_dict() == {
        "test": 600, "gate_fit": 420, "calibration": 120, "gate_stop": 60,
    }  # fmt: skip
    for gate in gates.KINDS:
        weights = predictions[[f"w_{gate}_{k}" for k in range(9)]].to_numpy()
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-9)
    assert predictions.loc[predictions["uncovered"], "oracle"].isna().all()
    assert predictions.drop(columns="oracle").select_dtypes("number").notna().all(axis=None)


def test_an_expert_predicts_what_its_file_says(predictions, smoke, run):
    stars = pd.read_parquet(smoke.path / "results/spectra/smoke/stars.parquet")
    noisy = smoke.flux()
    row = int(np.flatnonzero((stars["split"] == "test").to_numpy())[0])
    star = predictions.set_index("star_id").loc[stars.loc[row, "star_id"]]
    values = np.array([RidgeFit.load(run / f"experts/{k}.npz").predict(noisy[row : row + 1])[0] for k in range(9)])[
        :, 0
    ]
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
    files |= {"sigma": [results / f"spectra/smoke/error/{shard}.npy" for shard in names]}
    files |= {"wave": results / "spectra/smoke/wave.npy", "pca": trained / "pca.npz"}
    inputs = open_inputs(family, files, noise_level=0.2, trained=None, mode=None)
    expected = compute(family, inputs, "train", 0)
    table = pd.read_parquet(trained / f"{name}.parquet")
    found = table.filter(regex=rf"^{name}_\d+$").to_numpy()
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-6)
    stars = pd.read_parquet(results / "spectra/smoke/stars.parquet")
    pd.testing.assert_frame_equal(table[["star_id", "split"]], stars[["star_id", "split"]])
    # the shards themselves are gone
    assert not (trained / name).exists()


def test_every_job_leaves_a_log(run):
    logs = {path.name for path in (run / "logs").glob("*.log")}
    expected = {f"expert_{k}.log" for k in range(9)} | {"gate_mlp.log", "gate_linear.log", "gate_classify.log"}
    expected |= {"bootstrap.log", "per_bin.log", "hypotheses.log", "summary.log", "predictions.log", "figures.log"}
    assert expected <= logs
    assert all("done in" in path.read_text() for path in (run / "logs").glob("*.log"))


def test_another_number_of_cores_gives_the_same_summary(smoke, tmp_path):
    other = Checkout(tmp_path)
    process = other.snakemake("results/moe_smoke/summary.csv", cores=1)
    assert process.returncode == 0, process.stdout[-5000:]
    name = "results/moe_smoke/summary.csv"
    pd.testing.assert_frame_equal(
        pd.read_csv(smoke.path / name), pd.read_csv(other.path / name), rtol=0, atol=1e-6, check_exact=False
    )


def test_runs_are_compared_on_the_same_stars(smoke):
    import yaml

    config = yaml.safe_load(smoke.read("config/config.yaml"))
    config["runs"]["small"] = {"dataset": "smoke", "noise_level": 0.2, "n_train": 1500}
    config["comparisons"] = {"growth": ["small", "moe_smoke"]}
    load(config)
    (smoke.path / "more.yaml").write_text(yaml.safe_dump(config))
    target = "results/comparison/growth.csv"
    # the second run's experts and gates are new, its spectra and noise are shared
    planned = smoke.planned("--configfile", "more.yaml", "--", target)
    assert not {"grid_shard", "grid", "spectra", "noisy"} & set(planned)
    process = smoke.snakemake("--configfile", "more.yaml", "--", target)
    assert process.returncode == 0, process.stdout[-5000:]
    table = pd.read_csv(smoke.path / target)
    assert list(table["run"].unique()) == ["small", "moe_smoke"]
    assert set(table["model"]) == set(MODELS)
    assert table.loc[table["run"] == "moe_smoke", "delta_ci_low"].notna().all()
