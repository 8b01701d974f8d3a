"""Damaged, incomplete and foreign model files: one line that names the file, what is wrong and what to type."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gravispec import cli
from gravispec.errors import InputError
from gravispec.models import gates, tower
from gravispec.models.baselines import residual_mlp
from gravispec.models.trained import TrainedRun, remake
from tests.small_run import small_run, write_run, write_spectra


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Header and tensors of a good file."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    small_run().save(path)
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["gravispec"]), load_file(path)


def leaves(header, *above):
    for key, value in header.items():
        yield (*above, key)
        if isinstance(value, dict) and key not in ("run",):
            yield from leaves(value, *above, key)


FREE = [("bin_names",), ("config", "run")]
HEADER = [keys for keys in leaves(small_run().about) if keys not in FREE]
HEADER += [("gates",), ("gates", "mlp"), ("gates", "mlp", "kind"), ("gates", "mlp", "hidden"), ("pca_variance",)]
TENSORS = ["wave", "coef", "intercept", "pca.mean", "pca.components", "pca.explained_variance", "scale.size",
           "scale.T_eff_edges", "scale.M_H_edges", "intervals.half_width", "intervals.snr_edges", "intervals.n",
           "gates.mlp.net.0.weight", "gates.mlp.net.2.bias", "gates.classify.mean", "gates.linear.scale"]  # fmt: skip


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


@pytest.mark.parametrize("keys", HEADER, ids=".".join)
def test_every_key_of_the_header_is_needed_and_has_its_type(parts, tmp_path, keys):
    header, tensors = parts
    path = tmp_path / "model.safetensors"
    refused(path, changed(header, keys), tensors, keys[-1])
    refused(path, changed(header, keys, [None]), tensors, keys[-1])


@pytest.mark.parametrize("name", TENSORS)
def test_every_tensor_is_needed_with_its_shape_type_and_finite_values(parts, tmp_path, name):
    header, tensors = parts
    path, own = tmp_path / "model.safetensors", tensors[name]
    short = name.split(".", 2)[2] if name.startswith("gates.") else name
    sized = "" if name == "wave" else short  # others do not fit its size then
    refused(path, header, {k: v for k, v in tensors.items() if k != name}, short, "is missing")
    for wrong in (torch.zeros(own.numel() + 1, dtype=own.dtype), own[None], torch.zeros((), dtype=own.dtype)):
        refused(path, header, tensors | {name: wrong}, sized)
    for dtype in (torch.bfloat16, torch.int32, torch.bool):
        refused(path, header, tensors | {name: own.to(dtype)}, short, str(dtype).removeprefix("torch."))
    if own.dtype == torch.float64 and own.numel():
        for value in (np.nan, np.inf):
            bad = own.clone()
            bad.view(-1)[-1] = value
            refused(path, header, tensors | {name: bad}, short)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("noise_level",), float("nan")),
        (("snr_median",), float("inf")),
        (("snr_median",), 0),
        (("edges", "T_eff"), [6000.0, 3750.0]),
        (("edges", "M_H"), [-2.0, -1.0, 0.0, 0.5]),
        (("gates", "mlp", "hidden"), 10**12),
        (("gates", "mlp", "n_experts"), 10**12),
        (("gates", "mlp", "kind"), "linear"),
        (("source", "log_g"), "oracle"),
        (("label_range", "log_g"), [1.0]),
        (("noise_level",), "0.2"),
    ],
)
def test_impossible_values_of_the_header_are_named(parts, tmp_path, keys, value):
    refused(tmp_path / "model.safetensors", changed(parts[0], keys, value), parts[1])


@pytest.mark.parametrize(("name", "factor"), [("wave", -1), ("scale.size", 0), ("intervals.half_width", -1),
                                              ("gates.mlp.scale", 0)])  # fmt: skip
def test_impossible_values_of_tensors_are_named(parts, tmp_path, name, factor):
    header, tensors = parts
    refused(tmp_path / "model.safetensors", header, tensors | {name: tensors[name] * factor}, name.split(".")[-1])


def test_the_classify_gate_may_know_nothing_of_a_bin(parts, tmp_path):
    header, tensors = parts
    bias = tensors["gates.classify.net.0.bias"].clone()
    bias[0] = -np.inf
    path = tmp_path / "model.safetensors"
    save_file(tensors | {"gates.classify.net.0.bias": bias}, path, {"gravispec": json.dumps(header)})
    assert TrainedRun.load(path).gates["classify"].weights(np.zeros((1, 13)))[0, 0] == 0
    refused(path, header, tensors | {"gates.classify.net.0.bias": torch.full_like(bias, -torch.inf)}, "net.0.bias")


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
    tensors = tensors | {"coef": tensors["coef"] * np.nan}
    save_file(tensors, tmp_path / "m.safetensors", {"gravispec": json.dumps(header)})
    result = CliRunner().invoke(cli.main, ["predict", "a.fits", "--run", "m.safetensors", "-o", "a.csv"])
    assert result.exit_code == 1
    assert "m.safetensors: tensor coef has 8400 values that are not finite numbers; make it: rm" in result.output
    assert not (tmp_path / "a.csv").exists()


NETWORKS = {
    "gate": (lambda path: gates.save(gates.Gate("mlp", np.zeros(13), np.ones(13), 4), path), gates.load),
    "tower": (
        lambda path: tower.save(
            {1: tower.GlobalFeatureMLP(np.zeros(5), np.ones(5), 0, hidden=(4, 3), dropout=0.1)}, {}, path
        ),
        tower.load,
    ),
    "residual_mlp": (lambda path: residual_mlp.ResidualMlp(20, (4, 3)).save(path), residual_mlp.load),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_of_the_workflow_are_named_too(kind, tmp_path):
    save, load = NETWORKS[kind]
    good, path = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    save(good)
    load(good)
    tensors = load_file(good)
    with safe_open(good, "pt") as file:
        metadata = file.metadata()
    cases = [{k: v for k, v in tensors.items() if k != name} for name in tensors]
    cases += [tensors | {name: torch.zeros(7, 7)} for name in tensors]
    cases += [tensors | {name: tensor * np.nan} for name, tensor in tensors.items()]
    for case in cases:
        save_file(case, path, metadata)
        with pytest.raises(InputError, match=r"bad.safetensors: .*tensor .*; delete it and rerun"):
            load(path)
    [(key, text)] = metadata.items()
    for missing in set(json.loads(text)) - {"format"}:
        header = {k: v for k, v in json.loads(text).items() if k != missing}
        save_file(tensors, path, {key: json.dumps(header)})
        with pytest.raises(InputError, match=r"bad.safetensors: "):
            load(path)
    shutil.copy(good, path)
    load(path)
