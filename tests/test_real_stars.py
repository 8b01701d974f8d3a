"""Observed against literature labels: differences, pulls and shares of made-up stars; the pixels of a range."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from benchmarks.real_stars import differences, spectrum, statistics
from gravispec.models.flags import BITS

STARS = pd.DataFrame(
    {
        "name": ["a", "b", "c"],
        "grade": ["A", "B", "B"],
        "T_eff": [5000.0, 4500.0, 6000.0],
        "log_g": [3.0, 2.0, 4.2],
        "M_H": [0.0, -0.5, 0.1],
        "e_T_eff": [30.0, np.nan, np.nan],
        "e_log_g": [0.03, np.nan, np.nan],
    }
)
FOUND = pd.DataFrame(
    {
        "T_eff": [5030.0, 4400.0, 6000.0],
        "log_g": [3.1, 1.5, 4.2],
        "M_H": [0.02, -0.6, 0.1],
        "sigma_T_eff": [40.0, 60.0, 50.0],
        "sigma_log_g": [0.04, 0.15, 0.1],
        "sigma_M_H": [0.03, 0.05, 0.05],
        "flags": [0, BITS["MISFIT"], BITS["MISFIT"] | BITS["WIDTH"]],
    }
)


def test_pulls_have_the_errors_of_prediction_and_literature():
    table = differences(FOUND, STARS)
    np.testing.assert_allclose(table["d_log_g"], [0.1, -0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(table["pull_log_g"], [0.1 / 0.05, -0.5 / 0.25, 0.0], atol=1e-12)
    np.testing.assert_allclose(table["pull_T_eff"][:2], [30 / 50, -100 / np.hypot(60, 80)])
    assert table["flags"].map(lambda text: set(text.split())).tolist() == [set(), {"MISFIT"}, {"MISFIT", "WIDTH"}]


def test_rows_of_the_table_are_medians_and_shares():
    rows = {row.split("|")[1].strip(): row for row in statistics(differences(FOUND, STARS))}
    every, giants = rows["all"], next(row for name, row in rows.items() if name.startswith("giants"))
    assert "| 3 | +0.00 (0.15) | 0.33, 0.33 | +0 (44) |" in every
    assert "| 2 | -0.20 (0.44) |" in giants


def test_a_range_keeps_its_pixels_alone():
    wave = np.arange(8300.0, 8500.0)
    flux = np.ones(200)
    flux[120] = np.nan
    found = spectrum({"a__wave": wave, "a__flux": flux}, SimpleNamespace(name="a", medium="air"), 8380.0, 8450.0)
    kept = np.flatnonzero(~found.bad[0])
    np.testing.assert_array_equal(kept, np.setdiff1d(np.arange(80, 151), [120]))
