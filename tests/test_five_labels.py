"""Abundances as labels: interpolation against direct synthesis, and a run on such a grid, through every table."""

import contextlib
import itertools

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from gravispec.cli import export
from gravispec.data.pfsspec import open_file, read_spectra, read_stars
from gravispec.models.flags import BITS
from gravispec.models.trained import TrainedRun
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.instrument import fine_wave, observe
from gravispec.spectra.lte.synthesis import synthesize
from gravispec.spectra.normalise import median_normalised
from gravispec.spectra.sampling import ScaledBeta, sample_stars
from gravispec.spectra.splines import nodes
from tests.conftest import Checkout

SIZES = {"train": 800, "val": 300, "test": 200}
AXES = {
    "T_eff": {"start": 3750, "stop": 6000, "n": 3},
    "log_g": {"start": 1.0, "stop": 5.0, "n": 3},
    "M_H": {"start": -2.5, "stop": 0.75, "n": 2},
    "a_M": {"start": -0.1, "stop": 0.5, "n": 3},
    "C_M": {"start": -0.6, "stop": 0.0, "n": 3},
}
CONFIG = {
    "grids": {
        "five": {"axes": AXES, "pixels": {"start": 8150.0, "step": 0.6, "n": 910}, "fwhm": 1.6, "shards": 3}
    },
    "datasets": {
        "five": {
            "kind": "lte", "grid": "five", "n_stars": SIZES,
            "labels": {"a_M": {"low": 0.0, "high": 0.4}, "C_M": {"low": -0.6, "high": 0.0}},
        }
    },
    "models": {"ridge": {"module": "global_ridge"}, "gate": {"module": "mixture"}},
    "runs": {"five": {"dataset": "five", "n_train": SIZES["train"], "noise_level": 0.2, "models": ["ridge", "gate"]}},
    "ridge": {"alphas": {"n": 3}, "folds": 2},
    "bins": {"T_eff": [3750, 4875, 6000], "T_eff_names": ["a", "b"], "M_H": [-2, 0.5], "M_H_names": ["c"]},
    "evaluation": {"resamples": 100},
}  # fmt: skip


@pytest.mark.slow
def test_abundances_between_the_nodes_of_mr_5d_agree_with_direct_synthesis():
    """Around Ca II 8542, at nodes of the other labels; the error is far below what the abundances do to the flux."""
    wave = 8515.0 + 0.42725 * np.arange(140)
    fine = fine_wave(wave, 1.6)

    def models(labels):
        flux = [synthesize(T, g, m, a_M=a, C_M=c, wave=fine)[0] for T, g, m, a, c in labels]
        return observe(fine, np.array(flux), wave, 1.6)

    axes = {
        "T_eff": [4000, 5500],
        "log_g": [2.0, 4.5],
        "M_H": [-1.0, 0.0],
        "a_M": [-0.1, 0.2, 0.5],
        "C_M": [-0.6, -0.3, 0],
    }
    grid = GridInterpolator(axes, fit_basis(models(nodes(axes))), wave=wave)
    others = np.array(list(itertools.product(*list(axes.values())[:3])))
    abundances = np.random.default_rng(2).uniform([-0.1, -0.6], [0.5, 0], (len(others), 2))
    between = np.hstack([others, abundances])
    truth, ends = (
        median_normalised(models(between)),
        median_normalised(grid(np.hstack([others, abundances * 0 + [0.5, 0]]))),
    )
    error = np.sqrt(((median_normalised(grid(between)) - truth) ** 2).mean(axis=1))
    effect = np.sqrt(((ends - truth) ** 2).mean(axis=1))
    assert error.max() < 5e-4
    assert np.median(effect) > 20 * np.median(error)


def test_new_labels_do_not_change_the_others():
    """Three-label stars have a_M = C_M = 0; five-label stars are the same stars with abundances, independent of all."""
    abundances = {"a_M": ScaledBeta(-0.1, 0.5, 1.2, 1.2), "C_M": ScaledBeta(-0.6, 0.0, 1.2, 1.2)}
    three = sample_stars(20_000, split="train", seed=1)
    five = sample_stars(20_000, split="train", seed=1, priors=abundances)
    pd.testing.assert_frame_equal(five.drop(columns=list(abundances)), three.drop(columns=list(abundances)))
    correlation = five.select_dtypes(float).corr()[list(abundances)].to_numpy()
    assert (np.sort(np.abs(correlation), axis=0)[:-1] < 4 / np.sqrt(20_000)).all()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A checkout with the run ``five``; one shard of its grid was made first, as if the run had then been killed."""
    checkout = Checkout(tmp_path_factory.mktemp("five"))
    (checkout.path / "five.yaml").write_text(yaml.safe_dump(CONFIG))
    checkout.arguments = ["--configfile", "five.yaml", "--"]
    first = checkout.snakemake(*checkout.arguments, "results/grids/five/shards/1.npz")
    assert first.returncode == 0, first.stdout[-5000:]
    checkout.left = checkout.planned(*checkout.arguments, "results/five/summary.csv")
    process = checkout.snakemake(*checkout.arguments, "results/five/summary.csv")
    assert process.returncode == 0, process.stdout[-5000:]
    return checkout


@pytest.mark.slow
def test_shards_that_are_there_are_not_made_again(made):
    assert made.left["grid_shard"] == CONFIG["grids"]["five"]["shards"] - 1


@pytest.mark.slow
def test_the_stars_are_those_of_three_labels_with_abundances(made):
    stars = pd.read_parquet(made.path / "results/spectra/five/stars.parquet")
    for label, (low, high) in {"a_M": (0.0, 0.4), "C_M": (-0.6, 0.0)}.items():
        assert stars[label].between(low, high).all()
        assert stars[label].max() - stars[label].min() > 0.9 * (high - low)
    same = ["star_id", "T_eff", "log_g", "M_H", "mag", "seeing", "zenith_angle", "field_angle"]
    expected = pd.concat([sample_stars(n, split=split, seed=1) for split, n in SIZES.items()], ignore_index=True)
    pd.testing.assert_frame_equal(stars[same], expected[same], check_exact=True)


@pytest.fixture(scope="module")
def exported(made, tmp_path_factory):
    """Stars, clean flux and errors of the test split, as ``gravispec export`` writes them."""
    path = tmp_path_factory.mktemp("exported") / "test.h5"
    arguments = ["--dataset", "results/spectra/five", str(path), "--split", "test"]
    with contextlib.chdir(made.path):
        CliRunner().invoke(export, arguments, catch_exceptions=False)
    with open_file(path) as file:
        return read_stars(file, "test"), *read_spectra(file, 0, SIZES["test"])


@pytest.mark.slow
def test_exported_stars_keep_their_abundances(made, exported):
    stars = pd.read_parquet(made.path / "results/spectra/five/stars.parquet").query("split == 'test'")
    columns = ["star_id", *AXES]
    pd.testing.assert_frame_equal(exported[0][columns], stars[columns].reset_index(drop=True), check_exact=True)


@pytest.mark.slow
def test_clean_flux_is_that_of_the_five_labels(made, exported):
    grid = GridInterpolator.load(made.path / "results/grids/five/grid.npz")
    assert {name: len(positions) for name, positions in grid.axes.items()} == {n: a["n"] for n, a in AXES.items()}
    stars, flux, _ = exported
    np.testing.assert_allclose(flux, median_normalised(grid(stars[list(AXES)].to_numpy())), rtol=1e-5)
    solar = median_normalised(grid(stars[list(AXES)].assign(a_M=0.0).to_numpy()))
    assert np.abs(flux - solar).max() > 0.01
    # a model of the grid, at its node, is the synthesis itself
    node = {"T_eff": 4875.0, "log_g": 3.0, "M_H": 0.75, "a_M": 0.5, "C_M": -0.6}
    fine = fine_wave(grid.wave, 1.6)
    direct = observe(fine, synthesize(**node, wave=fine)[0][None], grid.wave, 1.6)
    np.testing.assert_allclose(grid(np.array([list(node.values())])), direct, rtol=2e-3)


@pytest.mark.slow
def test_every_table_is_there_and_checked(made):
    folder = made.path / "results/five"
    predictions = pd.read_parquet(folder / "predictions.parquet")
    stars = pd.read_parquet(made.path / "results/spectra/five/stars.parquet").set_index("star_id")
    for label in ("a_M", "C_M"):
        np.testing.assert_array_equal(predictions[label], stars.loc[predictions["star_id"], label])
    tables = [f"{name}.csv" for name in ("summary", "per_bin", "calibration", "residuals", "giants_dwarfs", "stress")]
    for name in (*tables, "validated.json", "provenance.json"):
        assert (folder / name).stat().st_size > 0
    assert set(pd.read_csv(folder / "calibration.csv")["label"]) == {"log_g", "T_eff", "M_H"}
    assert pd.read_csv(folder / "summary.csv").set_index("model").loc["ridge", "r2"] > 0.5


@pytest.mark.slow
def test_the_trained_run_measures_three_labels_and_flags_those_outside_its_training(made, exported):
    (level,) = TrainedRun.load(made.path / "results/five/model.safetensors").levels
    assert set(level.about["label_range"]) == {"log_g", "T_eff", "M_H"}
    stars, flux, error = exported
    found = level.predict(flux, 0.2 * error, "gate")
    assert np.corrcoef(found["log_g"], stars["log_g"])[0, 1] > 0.7
    outside = np.any([~found[name].between(*limits) for name, limits in level.about["label_range"].items()], axis=0)
    np.testing.assert_array_equal(found["flags"] & BITS["EXTRAPOLATED"] > 0, outside)
    assert 0 < outside.sum() < len(stars)
