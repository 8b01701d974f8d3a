"""The JSON schema of the configuration: as the models make it today, and right about configurations."""

import json

import jsonschema
import pytest
import yaml

from gravispec.config.schema import json_schema
from tests.conftest import REPO

SCHEMA = REPO / "workflow/schemas/config.schema.json"


def test_the_file_is_what_the_models_say():
    assert json.loads(SCHEMA.read_text()) == json_schema(), (
        "python -m gravispec.config > workflow/schemas/config.schema.json"
    )


@pytest.mark.parametrize("name", ["config/config.yaml", ".test/config/config.yaml"])
def test_the_configurations_of_the_repository_fit(name):
    content = yaml.safe_load((REPO / "config/config.yaml").read_text()) | yaml.safe_load((REPO / name).read_text())
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("runs", "noise_levl", 0.2), ("runs", "noise_level", "low"), ("models", "hiden", 64), ("models", "hidden", 0)],
)
def test_mistakes_do_not(section, key, value):
    content = yaml.safe_load((REPO / "config/config.yaml").read_text())
    content[section]["moe_100k" if section == "runs" else "mlp"][key] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json.loads(SCHEMA.read_text()))
