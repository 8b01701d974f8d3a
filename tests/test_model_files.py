"""Damaged, incomplete and foreign model files: one line that names the file, what is wrong and what to type."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gravispec import cli
from gravispec.errors import InputError
from gravispec.models import model
from gravispec.models.global_ridge import GlobalRidge
from gravispec.models.residual_mlp import ResidualMlp
from gravispec.models.trained import TrainedRun, remake
from tests.small_run import mixture_of, small_run, small_tower, write_run, write_spectra


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Header and tensors of a good file."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    small_run(shown=SHOWN).save(path)
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["gravispec"]), load_file(path)


SHOWN = ("global_ridge", "mlp", "tower")
ABOUT = [("about", key) for key in ("run", "leading", "labels", "normalisation", "config", "code", "version")]
LEVEL = [
    ("levels", 0, "about", *keys)
    for keys in (
        ("noise_level",), ("n_train",), ("continuum",), ("shown",), ("label_range",), ("label_range", "log_g"),
        ("bins",), ("bins", "M_H"), ("snr_range",), ("snr_median",), ("chi2_limit",),
    )
]  # fmt: skip
MODELS = [("levels", 0, key) for key in ("experts", "models", "families")]
MODELS += [("levels", 0, "models", "mlp", *keys) for keys in (
    ("module",), ("options",), ("options", "family"), ("packed",), ("packed", "module"), ("packed", "class"),
    ("packed", "state"), ("packed", "state", "kind"), ("packed", "state", "hidden"), ("packed", "state", "n_experts"),
)]  # fmt: skip
TENSORS = ["wave"] + [f"0/{name}" for name in (
    "ridge.coef", "ridge.intercept", "experts.3.coef", "pca.mean", "pca.components", "pca.explained_variance",
    "scale.mlp.size", "scale.mlp.M_H_edges", "intervals.mlp.half_width", "intervals.mlp.n", "references.flux",
    "references.snr", "shape.mean", "shape.limits", "model.mlp/net.0.weight", "model.mlp/net.2.bias",
    "model.mlp/mean", "model.global_ridge/coef", "model.tower/0.net.6.weight",
)]  # fmt: skip


def refused(path, header, tensors, *named):
    """The line of the refusal, which names the file, all that is in ``named``, and the remedy."""
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"gravispec": text})
    return refused_file(path, *named)


def refused_file(path, *named):
    with pytest.raises(InputError) as error:
        TrainedRun.load(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert remake(path) in line
    for text in named:
        assert text in line
    return line


def changed(header, keys, value=None):
    header = json.loads(json.dumps(header))
    inner = header
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return header


@pytest.mark.parametrize("keys", [*ABOUT, *LEVEL, *MODELS], ids=lambda keys: ".".join(map(str, keys)))
def test_every_key_of_the_header_is_needed_and_has_its_type(parts, tmp_path, keys):
    header, tensors = parts
    path = tmp_path / "model.safetensors"
    named = [keys[-1]] if keys in ABOUT + LEVEL and keys[-1] != "shown" else []
    refused(path, changed(header, keys), tensors, *named)
    refused(path, changed(header, keys, [None]), tensors, *named)


@pytest.mark.parametrize("name", TENSORS)
def test_every_tensor_is_needed_with_its_shape_type_and_finite_values(parts, tmp_path, name):
    header, tensors = parts
    path, own = tmp_path / "model.safetensors", tensors[name]
    of_record = not name.startswith("0/model") and name != "wave"
    short = [name.removeprefix("0/")] if of_record else []
    refused(path, header, {k: v for k, v in tensors.items() if k != name}, *short)
    sized = ["scale.mlp"] if "scale" in name else short  # the size no longer fits its edges
    for wrong in (torch.zeros(own.numel() + 1, dtype=own.dtype), own[None]):
        refused(path, header, tensors | {name: wrong}, *sized)
    if of_record:
        for dtype in (torch.bool, torch.bfloat16, torch.complex64):
            refused(path, header, tensors | {name: own.to(dtype)})
    for value in (np.nan, np.inf) if own.dtype.is_floating_point else ():
        bad = own.clone()
        bad.view(-1)[-1] = value
        if np.isnan(value) or "/mean" not in name:  # a network may have a bias or scale that is infinite
            refused(path, header, tensors | {name: bad})


LEVEL_ABOUT = ("levels", 0, "about")
PACKED = ("levels", 0, "models", "mlp", "packed")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("about", "leading"), "nobody"),
        ((*LEVEL_ABOUT, "noise_level"), float("nan")),
        ((*LEVEL_ABOUT, "noise_level"), "0.2"),
        ((*LEVEL_ABOUT, "snr_median"), float("inf")),
        ((*LEVEL_ABOUT, "snr_median"), 0),
        ((*LEVEL_ABOUT, "shown"), []),
        ((*LEVEL_ABOUT, "shown"), ["nobody"]),
        ((*LEVEL_ABOUT, "bins", "T_eff"), [6000.0, 3750.0]),
        ((*LEVEL_ABOUT, "label_range", "log_g"), [1.0]),
        ((*LEVEL_ABOUT, "label_range"), {}),
        (("levels",), []),
        (("levels", 0, "experts"), 7),
        (("levels", 0, "models", "mlp", "module"), "nobody"),
        (("levels", 0, "models", "mlp", "module"), "global_ridge"),
        (("levels", 0, "models", "mlp", "options", "family"), "nobody"),
        (("levels", 0, "models", "tower", "options", "families"), ["ridge"] * 15),
        ((*PACKED, "state", "hidden"), 10**12),
        ((*PACKED, "state", "n_experts"), 10**12),
        ((*PACKED, "state", "kind"), "linear"),
        ((*PACKED, "module"), "os"),
        ((*PACKED, "module"), "models.training"),
        ((*PACKED, "class"), "Gate"),
    ],
)
def test_impossible_values_of_the_header_are_named(parts, tmp_path, keys, value):
    refused(tmp_path / "model.safetensors", changed(parts[0], keys, value), parts[1])


@pytest.mark.parametrize(
    ("name", "factor"), [("wave", -1), ("0/intervals.mlp.half_width", -1), ("0/scale.mlp.size", 0)]
)
def test_impossible_values_of_tensors_are_named(parts, tmp_path, name, factor):
    header, tensors = parts
    refused(
        tmp_path / "model.safetensors",
        header,
        tensors | {name: tensors[name] * factor},
        name.split(".")[0].removeprefix("0/"),
    )


def test_the_classify_gate_may_know_nothing_of_a_bin(tmp_path):
    path = tmp_path / "model.safetensors"
    run = small_run(shown=("classify",))
    with torch.no_grad():
        run.levels[0].models["classify"].model.gate.net[0].bias[0] = -torch.inf
    run.save(path)
    flat = np.ones((1, len(run.wave)))
    assert TrainedRun.load(path).levels[0].predict(flat, flat, "classify")["weight_0"][0] == 0
    with torch.no_grad():
        run.levels[0].models["classify"].model.gate.net[0].bias[:] = -torch.inf
    run.save(path)
    refused_file(path, "model classify predicts labels that are not finite")


def test_several_levels_are_read_back_and_a_damaged_one_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    run = small_run(noise_level=[1.0, 0.2], shown=SHOWN)
    run.save(path)
    again = TrainedRun.load(path)
    assert [level.about["noise_level"] for level in again.levels] == [0.2, 1.0]
    flux = 1 + 0.01 * np.random.default_rng(0).normal(size=(3, len(run.wave)))
    for mine, other in zip(again.levels, run.levels, strict=True):
        for name in SHOWN:
            expected = other.predict(flux, 0.1 + 0 * flux, name)
            pd.testing.assert_frame_equal(mine.predict(flux, 0.1 + 0 * flux, name), expected, check_exact=True)
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["gravispec"])
    refused(path, header, {k: v for k, v in tensors.items() if k != "1/pca.mean"}, "pca.mean")
    refused(path, changed(header, ("levels", 1, "about", "snr_median"), 0), tensors, "levels[1].about.snr_median")


FILES = {
    "empty": lambda good: b"",
    "truncated": lambda good: good[: len(good) // 2],
    "truncated header": lambda good: good[:100],
    "huge header": lambda good: (10**12).to_bytes(8, "little") + good[8:],
    "no JSON": lambda good: (100).to_bytes(8, "little") + b"x" * 100,
    "text": lambda good: b"SIMPLE  =                    T" * 100,
    "zeros": lambda good: bytes(10_000),
}


@pytest.mark.parametrize("damage", FILES.values(), ids=FILES)
def test_files_that_are_no_safetensors_are_named(tmp_path, damage):
    path = write_run(tmp_path / "run") / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    refused_file(path, "no model of gravispec")


@pytest.mark.parametrize("header", ["[]", "3", "{", "[" * 100_000, '"text"', "null"])
def test_headers_that_are_no_object_are_named(parts, tmp_path, header):
    refused(tmp_path / "model.safetensors", header, parts[1], "no model of gravispec")


def test_foreign_files_folders_and_pipes_are_named(parts, tmp_path):
    refused(tmp_path / "foreign.safetensors", {}, {"weight": torch.ones(3)}, "format None")
    refused_file(tmp_path / "none.safetensors", "no model of gravispec (No such file")
    (tmp_path / "model.safetensors").mkdir()
    refused_file(tmp_path / "model.safetensors", "a folder")
    os.mkfifo(tmp_path / "pipe.safetensors")
    refused_file(tmp_path / "pipe.safetensors", "no regular file")


def test_the_remedy_names_the_run_and_the_file(tmp_path):
    path = tmp_path / "results/moe smoke/model.safetensors"
    assert remake(path) == "make results/moe smoke/model.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    assert remake(path) == f"rm '{path}' && make results/moe smoke/model.safetensors"
    assert remake(tmp_path / "copy.safetensors") == "make results/RUN/model.safetensors"


def test_a_model_with_nan_gives_no_catalogue(parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_spectra(tmp_path / "a.fits")
    header, tensors = parts
    tensors = tensors | {"0/ridge.coef": tensors["0/ridge.coef"] * np.nan}
    save_file(tensors, tmp_path / "m.safetensors", {"gravispec": json.dumps(header)})
    result = CliRunner().invoke(cli.main, ["predict", "a.fits", "--run", "m.safetensors", "-o", "a.csv"])
    assert result.exit_code == 1
    assert "m.safetensors: no model of gravispec (tensor 0/ridge.coef has NaN); make it: rm m" in result.output
    assert not (tmp_path / "a.csv").exists()


MADE = {
    "mixture": lambda: mixture_of("mlp", 5),
    "tower": lambda: small_tower(5),
    "residual_mlp": lambda: ResidualMlp(20, (4, 3)),
    "global_ridge": lambda: GlobalRidge(np.ones((20, 3)), np.ones(3)),
}


@pytest.mark.parametrize("kind", MADE)
def test_models_of_the_workflow_are_named_too(kind, tmp_path):
    good, path = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    model.save(MADE[kind](), good)
    assert isinstance(model.load(good), type(MADE[kind]()))
    tensors = load_file(good)
    with safe_open(good, "pt") as file:
        metadata = file.metadata()
    cases = [{k: v for k, v in tensors.items() if k != name} for name in tensors]
    cases += [tensors | {name: tensor * np.nan} for name, tensor in tensors.items()]
    if kind in ("mixture", "tower", "residual_mlp"):
        cases += [tensors | {name: torch.zeros(7, 7)} for name in tensors if "net." in name]
    for case in cases:
        save_file(case, path, metadata)
        with pytest.raises(InputError, match=r"bad.safetensors: .*; delete it and rerun"):
            model.load(path)
    [(key, text)] = metadata.items()
    for missing in {"format", "module", "class", "state"} & set(json.loads(text)):
        header = {k: v for k, v in json.loads(text).items() if k != missing}
        save_file(tensors, path, {key: json.dumps(header)})
        with pytest.raises(InputError, match=r"bad.safetensors: "):
            model.load(path)
    shutil.copy(good, path)
    model.load(path)
