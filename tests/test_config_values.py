"""Every value of the configuration: numbers are finite and bounded, names are free, mistakes are named in one line."""

import re
from pathlib import Path

import pytest

from gravispec.config import load
from gravispec.config.base import DECIMALS, LONGEST, RESERVED, Model
from gravispec.config.schema import json_schema
from tests.whole_config import RAW, changed, mistake

REPO = Path(__file__).parents[1]
RULES = "\n".join(path.read_text() for path in (REPO / "workflow/rules").glob("*.smk"))
INF = float("inf")
FULL = load(RAW).model_dump(mode="json")
SECTIONS = ("grids", "datasets", "models", "runs", "comparisons", "catalogues")
FREE = ("label", "covered", "all", "statement")  # texts that may be empty
USERS = (*SECTIONS, "hypotheses")  # keys of these are the user's names
TEXTS = ["nan", "inf", "-Infinity", "1e400", "many", ""]
NO_NUMBERS = [float("nan"), INF, -INF, 10**400, True, False, None, [], {}, *TEXTS]


def leaves(value, path=()):
    """``(path, value)`` of all that is no dictionary or list, and of the empty ones."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [leaf for key, item in items for leaf in leaves(item, (*path, key))]
    return found or [(path, value)]


def kinds(paths):
    """One path of those that are alike: the same keys, whatever the user's names and the place in a list."""

    def kind(path):
        about = FULL[path[0]][path[1]] if path[0] in SECTIONS and len(path) > 1 else {}
        about = [about.get(key) for key in ("kind", "module")] if isinstance(about, dict) else []
        user = [isinstance(p, int) or before in USERS for before, p in zip(("", *path), path, strict=False)]
        return (*about, *("" if named else part for named, part in zip(user, path, strict=True)))

    return list({kind(path): path for path in paths}.values())


NUMBERS = kinds([path for path, value in leaves(FULL) if isinstance(value, int | float)])
OTHERS = kinds([path for path, value in leaves(FULL) if isinstance(value, str)])


def refused(path, value):
    return mistake(changed(path, value, FULL))


def names(path, message):
    """Whether the message names the key, or the section and the key."""
    keys = [str(part) for part in path if isinstance(part, str)]
    return message is not None and all(key in message for key in (keys[0], keys[-1]))


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_what_is_no_finite_number_is_refused_with_the_key(path):
    taken = [None] * ("hypotheses" in path or "own" in path) + [None, *TEXTS] * (path[-1] == "velocity")
    for value in NO_NUMBERS:
        assert value in taken or names(path, refused(path, value)), (path, value)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: ".".join(map(str, path)))
def test_what_is_no_text_is_refused_with_the_key(path):
    taken = [None] * (path[-1] in ("medium", "reference", "catalogue")) + [""] * (path[-1] in FREE)
    for value in [True, 3, 0.5, float("nan"), "", [], {}, [[]], None]:
        assert value in taken or names(path, refused(path, value)), (path, value)


def test_what_is_no_section_is_refused_with_the_key():
    sections = [(key,) for key, value in FULL.items() if isinstance(value, dict)]
    sections += [(key, next(iter(FULL[key]))) for key in SECTIONS]
    for path in sections:
        for value in (None, True, 3, float("nan"), "text", [1], [{}]):
            assert names(path, refused(path, value)), (path, value)


def test_every_whole_number_has_a_lowest_and_a_highest_value_and_every_model_wants_finite_ones():
    def of(part, path):
        if isinstance(part, dict):
            if part.get("type") == "integer" and not {"enum", "const"} & part.keys():
                assert {"minimum", "exclusiveMinimum"} & part.keys(), path
                assert {"maximum", "exclusiveMaximum"} & part.keys(), path
            for key, value in part.items():
                of(value, (*path, key))
        elif isinstance(part, list):
            for value in part:
                of(value, path)

    def models(model):
        return [model, *(below for one in model.__subclasses__() for below in models(one))]

    of(json_schema(), ())
    for model in models(Model):
        assert model.model_config["allow_inf_nan"] is False, model


@pytest.mark.parametrize(
    "path", [path for path in NUMBERS if path[-1] in ("train", "n_train", "n_val", "seed", "batch")]
)
def test_whole_numbers_beyond_all_computers_are_refused(path):
    for value in (10**18, 10**30, -1, 1e300, 2400.5):
        assert names(path, refused(path, value)), value


LEVELS = [
    ("runs", "mixture", "noise_level"),
    ("runs", "sweep", "noise_level", 1),
    ("runs", "sweep", "models", 3, "noise_level", 0),
]


@pytest.mark.parametrize("path", LEVELS, ids=lambda path: f"{path[1]}.{path[-1]}")
@pytest.mark.parametrize("level", [1e-5, 1e-320, "1e-5", 0.1 + 0.2, 1 / 3, 5e-5, 9.99999, -1e-9, 10.0001, 1e300, True])
def test_a_noise_level_that_cannot_be_part_of_file_names_is_refused(path, level):
    message = refused(path, level)
    assert names(path, message)
    assert re.search("4 decimals at most|should be|true or false", message)


@pytest.mark.parametrize(
    "level", [0, -0.0, "0.20", 1, 10, 1e-4, 0.1235, 9.9999, *(round(0.0007 * i, 4) for i in range(30))]
)
def test_any_other_noise_level_is_written_as_the_rules_expect_it(level):
    raw = changed("runs.leak.noise_level", level)
    (found,) = load(raw).runs["leak"].noise_level
    pattern = re.search(r'level=r"(.*)",', RULES)[1]
    assert re.fullmatch(pattern, str(found))
    assert float(str(found)) == float(level)
    assert len(str(found).split(".")[1]) <= DECIMALS


def test_reserved_names_are_the_folders_of_the_rules():
    top = set(re.findall(r"results/([a-z_]+)\b(?![.\w])", RULES)) - {"comparisons"}
    beside = {folder for _, folder in re.findall(r'"results/([a-z]+)/(logs|benchmarks)/', RULES)}
    assert set(RESERVED) == top | beside


@pytest.mark.parametrize("section", ["runs", "datasets", "grids", "comparisons", "catalogues"])
def test_names_that_are_folders_are_refused_and_so_are_those_that_no_file_can_have(section):
    entry = next(iter(FULL[section].values()))
    bad = ["a.b", "a.", "a/b", "..", "", "Spectra", "CON", "ä", "a b", "a\n", "1a", 1, None, True]
    for name in [*RESERVED, *bad]:
        message = refused((section, name), entry)
        assert message is not None, name
        assert message.startswith(f"config: {section}"), message
        assert name not in RESERVED or f"results/{name} is a folder" in message
    assert "at most 64 characters" in refused((section, "a" * (LONGEST + 1)), entry)
    assert refused((section, "a" * LONGEST), entry) is None


def test_names_of_models_are_those_of_files_and_of_no_other_column():
    entry = {"module": "mixture"}
    bad = ["a.b", "a/b", "..", "", "ä", "a b", "a\n", "1a", "MLP", "T_eff", "M_H_mlp", "w_mlp_0", "seed_mlp", "lo68", 1]
    for name in bad:
        message = refused(("models", name), entry)
        assert message is not None, name
        assert message.startswith("config: models"), message
    assert "at most 64 characters" in refused(("models", "a" * (LONGEST + 1)), entry)
    for name in ("a" * LONGEST, "Mine", "weights", "seeds", "love", "mag_2"):
        assert refused(("models", name), entry) is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("comparisons.sizes", ["half", "half"], "twice"),
        ("catalogues.survey.runs", ["mixture", "mixture"], "twice"),
        ("bins.T_eff_names", ["Cool", "Cool", "Hot"], "different names"),
        ("bins.M_H", list(range(1000)), "at most 21"),
        ("grids.mr.axes.M_H", {"start": 0, "stop": 5e-324, "n": 9}, "are not apart"),
        ("catalogues.survey.velocity", 3e5, "less than 299792.458"),
        ("validation.n_val", ["a" * 10**6] * 10**3, "n_val"),
        ("runs.mixture.like", "a" * 10**6, "like"),
    ],
)
def test_relatives(path, value, expected):
    assert expected in refused(path, value)
