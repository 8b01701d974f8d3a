"""Every value of the configuration: numbers are finite and bounded, names are free, mistakes are named in one line."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from gravispec.config import Config, load
from gravispec.config.base import DECIMALS, LONGEST, RESERVED, Model
from gravispec.errors import InputError

REPO = Path(__file__).parents[1]
RULES = "\n".join(path.read_text() for path in (REPO / "workflow/rules").glob("*.smk"))
INF = float("inf")
RUNS = ["moe_100k", "moe_32k", "moe_smoke", "tower_smoke", "benchmark_smoke"]
MORE = {
    "datasets": {"own": {"kind": "pfsspec", "train": "a.h5", "val": "b.h5", "test": "c.h5", "fwhm": 1.6}},
    "catalogues": {"survey": {"runs": ["moe_smoke"], "files": ["*.fits"], "medium": "air", "velocity": 12.5}},
}
NO_NUMBERS = [
    float("nan"),
    INF,
    -INF,
    "nan",
    "inf",
    "-Infinity",
    "1e400",
    10**400,
    True,
    False,
    None,
    "many",
    "",
    [],
    {},
]


def everything():
    """A configuration in which every key of every section has a value."""
    raw = yaml.safe_load((REPO / "config/config.yaml").read_text())
    for section, entries in MORE.items():
        raw[section] |= entries
    raw["runs"] = {name: raw["runs"][name] for name in RUNS}
    return load(raw).model_dump()


FULL = everything()


def leaves(value, path=()):
    """``(path, value)`` of all that is no dictionary or list, and of the empty ones."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [leaf for key, item in items for leaf in leaves(item, (*path, key))]
    return found or [(path, value)]


SECTIONS = ("grids", "datasets", "runs", "baselines", "comparisons", "baseline_comparisons", "catalogues")


def kinds(paths):
    """One path of those that are alike: the same keys, whatever the user's names and the place in a list."""

    def kind(path):
        about = FULL[path[0]][path[1]] if path[0] in SECTIONS and len(path) > 1 else {}
        about = [about.get(key) for key in ("kind", "model")] if isinstance(about, dict) else []
        user = [
            isinstance(p, int) or before in (*SECTIONS, "towers") for before, p in zip(("", *path), path, strict=False)
        ]
        return (*about, *("" if named else part for named, part in zip(user, path, strict=True)))

    return list({kind(path): path for path in paths}.values())


NUMBERS = kinds([path for path, value in leaves(FULL) if isinstance(value, int | float)])
OTHERS = kinds([path for path, value in leaves(FULL) if isinstance(value, str)])


def mistake(path, value):
    """What is said of the full configuration with another value; None where it is taken."""
    raw = copy.deepcopy(FULL)
    section = raw
    for part in path[:-1]:
        section = section[part]
    section[path[-1]] = value
    try:
        load(raw)
    except InputError as error:
        message = str(error)
        assert message.startswith("config: "), message
        assert "\n" not in message
        assert len(message) < 600, message
        return message
    return None


def names(path, message):
    """Whether the message names the key, or the section and the key."""
    keys = [str(part) for part in path if isinstance(part, str)]
    return message is not None and all(key in message for key in (keys[0], keys[-1]))


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
def test_what_is_no_finite_number_is_refused_with_the_key(path):
    texts = [value for value in NO_NUMBERS if isinstance(value, str)]
    taken = {"velocity": [*texts, None], "fwhm": [None] * ("own" in path)}.get(path[-1], [])
    for value in [*NO_NUMBERS[:3]] if "options" in path else NO_NUMBERS:
        assert value in taken or names(path, mistake(path, value)), (path, value)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: ".".join(map(str, path)))
def test_what_is_no_text_is_refused_with_the_key(path):
    optional = [None] if path[-1] in ("medium", "velocity") else []
    number = [] if path[-1] == "velocity" else [3, 0.5]
    for value in [True, *number, float("nan"), "", [], {}, [[]], *([None] if not optional else [])]:
        assert names(path, mistake(path, value)), (path, value)


def test_what_is_no_section_is_refused_with_the_key():
    sections = [(key,) for key, value in FULL.items() if isinstance(value, dict)]
    sections += [(key, next(iter(FULL[key]))) for key in SECTIONS]
    for path in sections:
        for value in (None, True, 3, float("nan"), "text", [1], [{}]):
            assert names(path, mistake(path, value)), (path, value)


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

    of(Config.model_json_schema(), ())
    for model in models(Model):
        assert model.model_config["allow_inf_nan"] is False, model


@pytest.mark.parametrize(
    "path", [path for path in NUMBERS if path[-1] in ("train", "n_train", "n_val", "seed", "batch")]
)
def test_whole_numbers_beyond_all_computers_are_refused(path):
    for value in (10**18, 10**30, -1, 1e300, 2400.5):
        assert names(path, mistake(path, value)), value


LEVELS = [
    ("runs", "moe_smoke", "noise_level"),
    ("runs", "benchmark_smoke", "noise_levels", 0),
    ("runs", "tower_smoke", "towers", "F1F2", "noise_levels", 0),
]


@pytest.mark.parametrize("path", LEVELS, ids=lambda path: path[1])
@pytest.mark.parametrize("level", [1e-5, 1e-320, "1e-5", 0.1 + 0.2, 1 / 3, 5e-5, 9.99999, -1e-9, 10.0001, 1e300, True])
def test_a_noise_level_that_cannot_be_part_of_file_names_is_refused(path, level):
    message = mistake(path, level)
    assert names(path, message)
    assert re.search("4 decimals at most|should be|true or false", message)


@pytest.mark.parametrize(
    "level", [0, -0.0, "0.20", 1, 10, 1e-4, 0.1235, 9.9999, *(round(0.0007 * i, 4) for i in range(30))]
)
def test_any_other_noise_level_is_written_as_the_rules_expect_it(level):
    raw = copy.deepcopy(FULL)
    raw["runs"]["moe_smoke"]["noise_level"] = level
    found = load(raw).runs["moe_smoke"].noise_level
    pattern = re.search(r'level=r"(.*)",', RULES)[1]
    assert re.fullmatch(pattern, str(found))
    assert float(str(found)) == float(level)
    assert len(str(found).split(".")[1]) <= DECIMALS


def test_reserved_names_are_the_folders_of_the_rules():
    top = set(re.findall(r"results/([a-z_]+)\b(?![.\w])", RULES)) - {"comparisons"}
    beside = {folder for _, folder in re.findall(r'"results/([a-z]+)/(logs|benchmarks)/', RULES)}
    assert set(RESERVED) == top | beside


@pytest.mark.parametrize("section", ["runs", "datasets", "grids", "comparisons", "baseline_comparisons", "catalogues"])
def test_names_that_are_folders_are_refused_and_so_are_those_that_no_file_can_have(section):
    entry = next(iter(FULL[section].values()))
    for name in [
        *RESERVED,
        "a." + "b",
        "a.",
        "a/b",
        "..",
        "",
        "Spectra",
        "CON",
        "ä",
        "a b",
        "a\n",
        "1a",
        1,
        None,
        True,
    ]:
        message = mistake((section, name), entry)
        assert message is not None, name
        assert message.startswith(f"config: {section}"), message
        assert name not in RESERVED or f"results/{name} is a folder" in message
    assert "at most 64 characters" in mistake((section, "a" * (LONGEST + 1)), entry)
    assert mistake((section, "a" * LONGEST), entry) is None


def test_names_of_towers_differ_where_the_system_does_not_tell_small_from_capital_letters():
    towers = FULL["runs"]["tower_smoke"]["towers"] | {"f1f2": {"families": ["ridge"], "noise_levels": [1.0]}}
    assert "F1F2 and f1f2" in mistake(("runs", "tower_smoke", "towers"), towers)
    towers = {"a" * (LONGEST + 1): {"families": ["ridge"], "noise_levels": [1.0]}}
    assert "at most 64 characters" in mistake(("runs", "tower_smoke", "towers"), towers)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("runs", "tower_smoke", "baselines"), ["metadata", "metadata"], "twice"),
        (("runs", "tower_smoke", "ridge_modes"), ["in_sample", "in_sample"], "twice"),
        (("runs", "tower_smoke", "towers", "F1F2", "noise_levels"), [1.0, 1], "twice"),
        (("comparisons", "moe_scaling"), ["moe_32k", "moe_32k"], "twice"),
        (("catalogues", "survey", "runs"), ["moe_smoke", "moe_smoke"], "twice"),
        (("bins", "T_eff_names"), ["Cool", "Cool", "Hot"], "different names"),
        (("bins", "M_H"), list(range(1000)), "at most 21"),
        (("tower", "hidden"), [10] * 1000, "at most 10"),
        (("grids", "mr", "axes", "M_H"), {"start": 0, "stop": 5e-324, "n": 9}, "are not apart"),
        (("baselines", "lightgbm", "options"), {"max_bins": 63}, "did you mean 'max_bin'"),
        (("baselines", "lightgbm", "options"), {"threads": 63}, "not defined"),
        (("baselines", "ridge_200", "options"), {"alphas": [1.0, float("nan")]}, "must be finite"),
        (("catalogues", "survey", "velocity"), 3e5, "less than 299792.458"),
        (("n_val",), ["a" * 10**6] * 10**3, "n_val"),
    ],
)
def test_relatives(path, value, expected):
    assert expected in mistake(path, value)
