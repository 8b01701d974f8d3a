"""The global feature tower: size, residual identity, training, seeds, files; and the tables of a run."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from gravispec.config import Tower
from gravispec.device import choose_device
from gravispec.errors import InputError
from gravispec.evaluation import tower_tables as tables
from gravispec.models import tower as towers

TRAINING = {key: value for key, value in Tower().model_dump().items() if key != "seeds"}


def tower_of(dim, ridge_column=0):
    return towers.GlobalFeatureMLP(np.zeros(dim), np.ones(dim), ridge_column, hidden=[256, 64], dropout=0.3)


@pytest.fixture(scope="module")
def stars():
    """Features of which column 2 is a Ridge prediction that misses a bent term of column 0."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(3000, 6)).astype(np.float32)
    log_g = 3 + features[:, 1] + 0.8 * np.abs(features[:, 0])
    features[:, 2] = 3.6 + features[:, 1] + 0.1 * rng.normal(size=3000)
    return features, log_g


def fit(stars, n=2000, *, seed=0, **changes):
    features, log_g = stars
    settings = {**TRAINING, "batch": 256, "epochs": 30, **changes}
    train, val = ((features[rows], log_g[rows]) for rows in (slice(n), slice(2000, None)))
    return towers.fit_tower(train, val, ridge_column=2, seed=seed, **settings)


@pytest.mark.parametrize(("dim", "parameters"), [(126, 49_025), (121, 47_745), (97, 41_601)])
def test_parameter_counts(dim, parameters):
    assert towers.n_parameters(tower_of(dim)) == parameters


def test_the_published_settings_are_the_defaults():
    assert TRAINING == {
        "hidden": [256, 64], "dropout": 0.3, "learning_rate": 1e-3, "weight_decay": 0.0,
        "batch": 2048, "epochs": 100, "patience": 20,
    }  # fmt: skip


def test_a_network_that_gives_zero_leaves_exactly_the_ridge_prediction(stars):
    features, _ = stars
    tower = tower_of(6, ridge_column=2)
    assert np.abs(tower.predict(features) - features[:, 2]).max() > 0.01
    with torch.no_grad():
        tower.net[-1].weight.zero_()
        tower.net[-1].bias.zero_()
    np.testing.assert_array_equal(tower.predict(features), features[:, 2].astype(float))


def test_training_corrects_the_ridge(stars):
    tower, curve = fit(stars)
    features, log_g = stars
    before, after = (np.abs(p[2000:] - log_g[2000:]).mean() for p in (features[:, 2], tower.predict(features)))
    assert after < 0.5 * before
    assert min(c[2] for c in curve) == pytest.approx(after, rel=1e-5)


def test_inputs_are_standardised_by_the_training_stars_and_constants_vanish(stars):
    features, log_g = stars
    shifted = np.column_stack([features * 1000 + 50, np.full(3000, 7.0)])
    mean, scale = towers.standardisation(shifted[:2000])
    np.testing.assert_allclose(mean[:6], shifted[:2000, :6].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(scale[:6], shifted[:2000, :6].std(axis=0), rtol=1e-9)
    assert np.isinf(scale[6])
    assert np.isfinite(fit((np.column_stack([features, np.zeros(3000)]), log_g), epochs=2)[0].predict(
        np.column_stack([features, np.ones(3000)])
    )).all()  # fmt: skip


def test_the_best_state_on_the_validation_stars_is_kept(stars):
    features, log_g = stars
    # few stars, large steps: the last state is not the best one
    settings = {"learning_rate": 0.03, "epochs": 60, "patience": 5, "dropout": 0.0}
    tower, curve = fit(stars, n=60, **settings)
    losses = [c[2] for c in curve]
    kept = np.abs(tower.predict(features[2000:]) - log_g[2000:]).mean()
    assert kept == pytest.approx(min(losses), rel=1e-5)
    assert losses[-1] > min(losses)
    assert len(curve) == int(np.argmin(losses)) + 1 + 5


def test_a_seed_gives_the_same_tower_on_any_number_of_threads(stars):
    before = torch.get_num_threads()
    predictions = []
    for threads, seed in ((1, 7), (2, 7), (1, 8)):
        torch.set_num_threads(threads)
        torch.rand(threads)  # whatever was drawn before plays no part
        predictions.append(fit(stars, seed=seed, epochs=3)[0].predict(stars[0]))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(predictions[0], predictions[1])
    assert np.abs(predictions[0] - predictions[2]).max() > 1e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_cuda_trains_an_equally_good_tower(stars):
    features, log_g = stars
    errors = [np.abs(fit(stars, device=d)[0].predict(features[2000:]) - log_g[2000:]).mean() for d in ("cpu", "cuda")]
    assert errors[1] == pytest.approx(errors[0], rel=0.2)


def test_the_device_is_what_the_configuration_wants(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(d) for d in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    assert choose_device("auto", gpu=0) == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(InputError, match="sees no GPU"):
        choose_device("cuda")


def test_a_learning_rate_that_explodes_is_named(stars):
    features, log_g = stars
    with pytest.raises(InputError, match=r"lower tower\.learning_rate"):
        fit((np.where(features > 3, np.inf, features), log_g), epochs=2)


def test_towers_survive_their_file_and_other_files_are_refused(stars, tmp_path):
    path = tmp_path / "towers.safetensors"
    made = {seed: fit(stars, seed=seed, epochs=2)[0] for seed in (3, 4)}
    towers.save(made, {"families": ["pca"], "curve": {"epoch": [1]}}, path)
    loaded, header = towers.load(path)
    assert header["families"] == ["pca"]
    for seed, tower in made.items():
        np.testing.assert_array_equal(loaded[seed].predict(stars[0]), tower.predict(stars[0]))
    save_file({"a": torch.zeros(1)}, str(path))
    with pytest.raises(InputError, match="format None"):
        towers.load(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(InputError, match="no safetensors file"):
        towers.load(path)


def run_of(scatter):
    """``(towers, predictions)`` of three seeds each, with errors of log g of the given scatter by name of the tower."""
    rng = np.random.default_rng(6)
    log_g = rng.uniform(1, 5, 900)
    split = np.repeat(["train", "val", "test"], 300)
    base = {"noise_level": 1.0, "mode": "cross_fit"}
    families = {"F1F2": ["pca", "ridge"], "F1F2F3": ["pca", "ridge", "topk"]}
    described, predictions = [], []
    for name, sigma in scatter.items():
        described.append({"tower": name, "families": families[name], **base})
        table = pd.DataFrame({"split": split, "log_g": log_g, "ridge": log_g + 0.9 * rng.normal(size=900)})
        for seed in (1, 2, 3):
            table[f"seed_{seed}"] = log_g + sigma * rng.normal(size=900)
        predictions.append(table)
    return described, predictions


STATISTICS = {"resamples": 300, "seed": 1, "confidence": 0.95}


def test_scores_are_means_over_seeds():
    described, predictions = run_of({"F1F2": 0.5})
    tower, ridge = tables.tower_rows(described[0], predictions[0], parameters=10, dim=97, **STATISTICS)
    test = predictions[0].query("split == 'test'")
    variance = np.mean((test["log_g"] - test["log_g"].mean()) ** 2)
    each = [1 - np.mean((test[f"seed_{s}"] - test["log_g"]) ** 2) / variance for s in (1, 2, 3)]
    assert tower["r2_test"] == pytest.approx(np.mean(each))
    assert tower["r2_test_std"] == pytest.approx(np.std(each, ddof=1))
    assert tower["mae"] == pytest.approx(np.mean([np.abs(test[f"seed_{s}"] - test["log_g"]).mean() for s in (1, 2, 3)]))
    assert tower["r2_ci_low"] < tower["r2_test"] < tower["r2_ci_high"]
    assert (tower["n_train"], tower["n_val"], tower["n_test"], tower["n_seeds"]) == (300, 300, 300, 3)
    assert ridge["model"] == "ridge"
    assert ridge["r2_test"] == pytest.approx(1 - np.mean((test["ridge"] - test["log_g"]) ** 2) / variance)


def test_a_family_that_helps_and_one_that_does_not():
    for sigma, helps in ((0.4, True), (0.55, False)):
        described, predictions = run_of({"F1F2": 0.5, "F1F2F3": sigma})
        table = tables.ablation_table(described, predictions, run="r", **STATISTICS)
        assert table["comparison"].tolist() == ["F1F2 - ridge", "F1F2F3 - F1F2"]
        assert table["added"].tolist() == ["pca+ridge", "topk"]
        row = table.iloc[1]
        assert row["ci_low"] < row["delta_r2"] < row["ci_high"]
        assert (row["ci_low"] > 0) == helps
        rows = [r for d, p in zip(described, predictions, strict=True)
                for r in tables.tower_rows(d, p, parameters=1, dim=97, **STATISTICS)]  # fmt: skip
        json.dumps(rows)
        summary = tables.summary_table(rows, run="r")
        assert summary["model"].tolist() == ["ridge", "F1F2", "F1F2F3"]
        verdicts = tables.verdicts_table(summary, table, described)
        assert verdicts["passed"].tolist() == [True, helps]
        assert verdicts["measured"].iloc[0] == pytest.approx(summary["r2_test"].iloc[2])
