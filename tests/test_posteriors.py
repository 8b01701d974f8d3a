"""Coverage of the posteriors that models give: right ones are found right, and wrong ones wrong."""

import numpy as np
import pandas as pd
import pytest

from gravispec.evaluation.posteriors import BINS, COLUMNS, NOMINAL, posteriors
from gravispec.labels import LABELS

N = 3000


@pytest.fixture(scope="module")
def predictions():
    """Three models with normal errors: their standard deviations are right, 1.3 times too small, or not given."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"log_g": rng.uniform(1, 5, N), "T_eff": rng.uniform(4000, 6000, N)})
    table["M_H"] = rng.uniform(-2, 0, N)
    table["snr_measured"] = rng.uniform(3, 30, N)
    table = table.assign(noise_level=1.0, n_train=100, split=np.where(np.arange(N) < 500, "val", "test"))
    for model, factor in (("right", 1.0), ("proud", 1.3), ("silent", 1.0)):
        for label, unit in zip(LABELS, (0.1, 50, 0.1), strict=True):
            sigma = unit * 10 / table["snr_measured"]
            table[model if label == "log_g" else f"{label}_{model}"] = table[label] + factor * sigma * rng.normal(
                size=N
            )
            if model != "silent":
                table[f"sigma_{label}_{model}"] = sigma
    return table


def test_a_row_a_model_with_a_posterior_label_group_and_share(predictions):
    found = posteriors(predictions)
    assert list(found) == COLUMNS
    assert set(found["model"]) == {"right", "proud"}
    groups = 1 + sum(BINS.values())
    assert len(found) == 2 * len(LABELS) * groups * len(NOMINAL)
    assert set(found.loc[found["by"] == "all", "n_test"]) == {2500}  # validation stars do not count


def test_right_standard_deviations_are_found_right_and_small_ones_wrong(predictions):
    found = posteriors(predictions)
    right, proud = (found[found["model"] == model] for model in ("right", "proud"))
    assert right["inside"].mean() > 0.97
    assert (right["uniform_p"] > 1e-4).all()
    assert (right["pull_std"] - 1).abs().max() < 0.15
    whole = proud[proud["by"] == "all"]
    assert not whole["inside"].any()
    assert (whole["uniform_p"] < 1e-4).all()
    assert (whole["pull_std"] - 1.3).abs().max() < 0.05


def test_coverage_is_the_share_within_the_central_interval(predictions):
    found = posteriors(predictions)
    test = predictions[predictions["split"] == "test"]
    pull = (test["log_g"] - test["proud"]) / test["sigma_log_g_proud"]
    row = found[(found["model"] == "proud") & (found["label"] == "log_g") & (found["by"] == "all")]
    for nominal, limit in ((0.68, 0.994458), (0.95, 1.959964)):
        assert row.set_index("nominal").loc[nominal, "coverage"] == np.mean(np.abs(pull) < limit)


def test_a_run_without_posteriors_has_a_table_without_rows(predictions):
    found = posteriors(predictions.drop(columns=list(predictions.filter(like="sigma_"))))
    assert found.empty
    assert list(found) == COLUMNS
