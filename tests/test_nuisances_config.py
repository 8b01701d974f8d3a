"""Nuisances in the configuration: what is refused, with one line."""

import pytest
import yaml

from gravispec.config import load
from gravispec.errors import InputError
from tests.conftest import REPO


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"windows": [[9000, 9100]]}, "windows = 9000, 9100: outside the pixels of its grid, 7900-8850 Å"),
        ({"windows": [[8400, 8300]]}, "8400, 8300 do not rise"),
        ({"windows": []}, "missing and windows need each other"),
        ({"slop": 0.1}, "datasets.survey_smoke.nuisances.slop = 0.1: unknown key; allowed here: slope,"),
        ({"velocity": 100}, "velocity"),
    ],
)
def test_bad_nuisances_are_refused_with_one_line(change, message):
    raw = yaml.safe_load((REPO / "config/config.yaml").read_text())
    raw["datasets"]["survey_smoke"]["nuisances"] |= change
    with pytest.raises(InputError) as error:
        load(raw)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("other", [{"continuum": 100}, {"median": "clean"}])
def test_nuisances_and_a_running_continuum_are_refused_together(other):
    raw = yaml.safe_load((REPO / "config/config.yaml").read_text())
    raw["datasets"]["odd"] = raw["datasets"]["survey_smoke"] | other
    with pytest.raises(InputError, match="median: noisy and continuum: 0"):
        load(raw)
