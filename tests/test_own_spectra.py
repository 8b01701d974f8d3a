"""A user's own files, named in the config, run the same DAG; and test stars never reach what is fitted."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

from gravispec.data.pfsspec import FLUX
from gravispec.data.provenance import sha256
from tests.conftest import Checkout
from tests.pfsspec_files import small_spectra, write_pfsspec

pytestmark = pytest.mark.slow
SIZES = {"train": 400, "val": 200, "test": 200}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A checkout with a data set ``mine``, and ``permuted``: the same with the test stars' flux and labels shuffled."""
    checkout = Checkout(tmp_path_factory.mktemp("own"))
    data = checkout.path / "data"
    data.mkdir()
    for seed, (split, n) in enumerate(SIZES.items()):
        wave, flux, error, labels = small_spectra(n, seed=seed)
        write_pfsspec(data / f"{split}.h5", wave, flux, error, labels)
        if split == "test":
            order = np.random.default_rng(9).permutation(n)
            shuffled = labels.sample(frac=1, random_state=1, ignore_index=True)
            write_pfsspec(data / "permuted.h5", wave, flux[order], error, shuffled)
    config = yaml.safe_load(checkout.read("config/config.yaml"))
    files = {split: f"data/{split}.h5" for split in SIZES}
    config["datasets"] |= {
        "mine": {"kind": "pfsspec", **files},
        "permuted": {"kind": "pfsspec", **files, "test": "data/permuted.h5"},
    }
    run = config["runs"]["moe_smoke"] | {"n_train": 400}
    config["runs"]["mine"] = run | {"dataset": "mine"}
    (checkout.path / "config/config.yaml").write_text(yaml.safe_dump(config))
    before = {path: (sha256(path), path.stat().st_mtime_ns) for path in data.iterdir()}
    models = [f"results/models/permuted/noise_0.2/train_400/{gate}/model.safetensors" for gate in ("classify", "mlp")]
    process = checkout.snakemake("results/mine/summary.csv", *models)
    assert process.returncode == 0, process.stdout[-5000:]
    checkout.files = before, {path: (sha256(path), path.stat().st_mtime_ns) for path in data.iterdir()}
    return checkout


def test_the_users_files_are_left_as_they_are_and_listed_with_their_checksums(own):
    before, after = own.files
    assert len(before) == 4
    assert after == before
    listed = json.loads(own.read("results/mine/provenance.json"))["inputs"]
    for split in SIZES:
        assert listed[f"data/{split}.h5"]["sha256"] == before[own.path / f"data/{split}.h5"][0]


def test_the_run_is_complete_and_sensible(own):
    summary = pd.read_csv(own.path / "results/mine/summary.csv").set_index("model")
    assert (summary.loc[["global_ridge", "classify", "linear", "mlp"], "r2"] > 0.7).all()
    assert summary.loc["oracle", "r2"] > 0.9
    assert summary.loc["mlp_full", "n_test"] == 200
    stars = pd.read_parquet(own.path / "results/spectra/mine/stars.parquet")
    assert stars["snr"].notna().all()
    assert not stars["star_id"].duplicated().any()


def test_a_stress_that_needs_the_line_spread_function_says_so(own):
    stress = pd.read_csv(own.path / "results/mine/stress.csv").query("model == 'mlp'").set_index("stress")
    undone = stress[stress["not_done"].notna()]
    assert list(undone.index) == ["resolution_plus_10", "resolution_minus_10", "resolution_2000"]
    assert undone["not_done"].str.contains("give fwhm").all()
    assert undone["r2"].isna().all()
    assert stress.drop(undone.index)["r2_ci_low"].notna().all()


def test_shuffled_test_stars_change_nothing_that_is_fitted(own):
    results = own.path / "results"
    names = ["ridge", "pca", *(f"experts/{k}" for k in range(9))]
    for pattern in [f"features/{{}}/noise_0.2/train_400/{name}.npz" for name in names]:
        with np.load(results / pattern.format("mine")) as a, np.load(results / pattern.format("permuted")) as b:
            assert set(a) == set(b)
            assert all(a[name].tobytes() == b[name].tobytes() for name in a), pattern
    for gate in ("classify", "mlp"):
        a, b = (
            load_file(results / f"models/{run}/noise_0.2/train_400/{gate}/model.safetensors")
            for run in ("mine", "permuted")
        )
        assert all(a[name].tobytes() == b[name].tobytes() for name in a), gate  # the scaler is part of the gate
    test = {run: own.flux(run, splits=["test"]) for run in ("mine", "permuted")}
    assert not np.array_equal(test["mine"], test["permuted"])


@pytest.fixture
def broken(own):
    """A function that spoils one array of the training file, tries to read it, and gives Snakemake's output."""
    path = own.path / "data" / "train.h5"
    before = path.read_bytes()

    def attempt(spoil):
        with h5py.File(path, "a") as file:
            spoil(file)
        process = own.snakemake("results/spectra/mine/stars.parquet")
        assert process.returncode != 0
        assert "Traceback" not in process.stdout
        return process.stdout

    yield attempt
    path.write_bytes(before)


def replace(file, name, values):
    del file[name]
    file[name] = values


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: replace(f, FLUX, np.where(np.arange(len(f[FLUX]))[:, None] == 300, np.nan, f[FLUX][:])), "row 300"),
        (lambda f: f.__delitem__("dataset/params"), "label column 'T_eff' is missing"),
    ],
)
def test_a_bad_file_is_named_and_leaves_no_output(broken, own, spoil, message):
    """Every kind of it: tests/test_pfsspec.py."""
    folder = own.path / "results" / "spectra" / "mine"
    output = broken(spoil)
    assert "error: " in output
    assert "data/train.h5" in output
    assert message in output
    assert not [path for path in folder.iterdir() if path.is_file()]
