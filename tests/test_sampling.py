"""Stars of the built-in data sets: prefixes, streams and distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gravispec.spectra.sampling import LABELS, STAR_PRIORS, ScaledBeta, sample_stars

DRAWN = [name for name, prior in STAR_PRIORS.items() if prior.low < prior.high]


def test_first_rows_do_not_depend_on_the_number_of_stars():
    long, short = sample_stars(3000, split="train", seed=1), sample_stars(700, split="train", seed=1)
    pd.testing.assert_frame_equal(long.iloc[:700], short)


def test_columns_and_ids():
    stars = sample_stars(5, split="test", seed=1)
    conditions = ["mag", "seeing", "zenith_angle", "field_angle"]
    assert list(stars) == ["star_id", "split", "row", *LABELS, *conditions]
    assert list(stars["star_id"]) == [f"test_000000{i}" for i in range(5)]
    assert list(stars["row"]) == [0, 1, 2, 3, 4]


def test_splits_and_seeds_are_different_streams():
    samples = [sample_stars(20_000, split=s, seed=seed) for s, seed in (("train", 1), ("val", 1), ("train", 2))]
    assert not set(samples[0]["star_id"]) & set(samples[1]["star_id"])
    for other in samples[1:]:
        for name in DRAWN:
            assert abs(np.corrcoef(samples[0][name], other[name])[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize("name", DRAWN)
def test_distribution_is_the_scaled_beta(name):
    prior = STAR_PRIORS[name]
    values = sample_stars(50_000, split="train", seed=7)[name]
    assert values.between(prior.low, prior.high).all()
    law = stats.beta(prior.a, prior.b, loc=prior.low, scale=prior.high - prior.low)
    assert stats.kstest(values, law.cdf).pvalue > 1e-3


def test_metadata_alone_does_not_predict_log_g():
    stars = sample_stars(50_000, split="train", seed=7)
    X = np.column_stack([np.ones(len(stars)), stars[[name for name in DRAWN if name != "log_g"]]])
    residual = stars["log_g"] - X @ np.linalg.lstsq(X, stars["log_g"], rcond=None)[0]
    assert 1 - residual.var() / stars["log_g"].var() < 1e-3


def test_constants_and_replaced_priors():
    default = sample_stars(100, split="train", seed=1)
    assert (default[["a_M", "C_M"]] == 0).all(axis=None)
    changed = sample_stars(
        100, split="train", seed=1, priors={"T_eff": ScaledBeta(4000, 4100), "a_M": ScaledBeta(0.4, 0.4)}
    )
    assert changed["T_eff"].between(4000, 4100).all()
    assert (changed["a_M"] == 0.4).all()
    unchanged = [name for name in default if name not in ("T_eff", "a_M")]
    pd.testing.assert_frame_equal(changed[unchanged], default[unchanged])
