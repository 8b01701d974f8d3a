"""Where numbers come from: stamps in files, provenance.json beside the summary, and a run made again."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from gravispec.data.files import atomic
from gravispec.data.provenance import provenance
from gravispec.data.stamp import read_stamp, stamped
from gravispec.plugins.families import families
from gravispec.plugins.models import modules
from tests.test_project import SCRIPTS
from workflow.reproduce import difference
from workflow.scripts.lib.code_deps import digest

ORIGIN = {"rule": "expert", "code": "1234", "seed": 1, "versions": {"numpy": "2"}}


def write(path):
    """One table or model of each kind; returns what it holds."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(7, 3))
    if path.suffix == ".parquet":
        pd.DataFrame(values, columns=list("abc")).assign(name="ä").to_parquet(path)
    elif path.suffix == ".npz":
        np.savez(path, values=values)
    else:
        save_file({"values": torch.tensor(values), "n": torch.tensor([1], dtype=torch.int8)}, path, {"format": "f 1"})
    return values


def values_of(path):
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        assert table["name"].tolist() == ["ä"] * 7
        return table[list("abc")].to_numpy()
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["values"]
    with safe_open(str(path), "np") as file:
        assert file.metadata()["format"] == "f 1"
        assert file.get_tensor("n").tolist() == [1]
        return file.get_tensor("values")


@pytest.mark.parametrize("suffix", ["parquet", "npz", "safetensors"])
def test_a_stamp_changes_no_value_and_gives_the_same_bytes_again(tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in ("a", "b", "plain")]
    for path in paths[:2]:
        with stamped(ORIGIN), atomic(path) as part:
            values = write(part)
        np.testing.assert_array_equal(values_of(path), values)
        assert read_stamp(path) == ORIGIN
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with atomic(paths[2]) as part:
        write(part)
    assert read_stamp(paths[2]) == {}


def test_provenance_has_the_checksums_of_what_went_in_and_came_out(tmp_path):
    (tmp_path / "flux.npy").write_bytes(b"flux")
    (tmp_path / ".part").write_bytes(b"r2\n0.9\n")
    config = {"seed": 3, "run": {"n_train": 5}}
    flux = str(tmp_path / "flux.npy")
    found = provenance("mine", [flux, flux], {"summary.csv": tmp_path / ".part"}, config=config, code={"a.py": "1"})
    assert found["inputs"] == {flux: {"bytes": 4, "sha256": hashlib.sha256(b"flux").hexdigest()}}
    assert found["outputs"] == {"summary.csv": {"bytes": 7, "sha256": hashlib.sha256(b"r2\n0.9\n").hexdigest()}}
    assert found["versions"]["numpy"] == np.__version__
    assert (found["seed"], found["config"]) == (3, config)
    again = provenance("mine", [], {}, config={"run": {"n_train": 6}, "seed": 3}, code={})
    assert again["config_sha256"] != found["config_sha256"]


def test_tables_are_compared_number_by_number(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    table = pd.DataFrame({"model": ["a", "b"], "r2": [0.5, np.nan], "n": [1000, 3]})
    table.to_csv(one, index=False)
    for column, value, expected in (("r2", 0.5 + 3e-6, 2e-6), ("n", 1001, 1 / 1001), ("model", "c", np.inf)):
        changed = table.copy()
        changed.loc[0, column] = value
        changed.to_csv(other, index=False)
        assert difference(one, other) == pytest.approx(expected, rel=1e-3)
    table.assign(r2=[np.nan, 0.5]).to_csv(other, index=False)
    assert difference(one, other) == np.inf
    table[:1].to_csv(other, index=False)
    assert difference(one, other) == np.inf
    assert difference(one, one) == 0


@pytest.mark.slow
def test_the_summary_can_be_traced_to_its_files(smoke):
    run = "results/moe_smoke"
    found = json.loads(smoke.read(f"{run}/provenance.json"))
    for name, about in (found["inputs"] | found["outputs"]).items():
        content = (smoke.path / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (about["bytes"], about["sha256"]), name
    at = "smoke/noise_0.2/train_2400"
    behind = {"results/noisy/smoke/noise_0.2/train_0.npy", f"results/features/{at}/experts/8.npz"}
    behind |= {f"results/models/{at}/mlp/{name}" for name in ("model.safetensors", "predictions.parquet")}
    behind |= {f"{run}/{name}" for name in ("model.safetensors", "calibration/noise_0.2.json", "stress/noise_0.2.csv")}
    assert behind <= set(found["inputs"])
    assert set(found["outputs"]) == {f"{run}/summary.csv"}
    assert {f"{run}/figures/spectra.png", f"{run}/validated.json"} <= set(found["beside"])
    text = smoke.read(f"{run}/provenance.json")
    assert str(smoke.path) not in text  # nothing of this machine
    # every table and model of the run says itself where it comes from
    files = [smoke.path / name for name in found["inputs"] if name.endswith((".parquet", ".npz", ".safetensors"))]
    assert len(files) >= 25
    for path in files:
        origin = read_stamp(path)
        assert re.fullmatch("[0-9a-f]{16}", origin["code"])
        assert re.fullmatch("[0-9a-f]{64}", origin["config_sha256"])
        assert origin["versions"] == found["versions"]
        script = f"workflow/scripts/{SCRIPTS[origin['rule']]}"
        assert origin["code"] == digest(script, smoke.path)
        assert script in found["code"]


#: families and models behind the run
FOLDERS = {
    "features": {"window", "quality"},
    "models": {"global_ridge", "oracle", "hard", "mixture", "fallback"},
}


@pytest.mark.slow
def test_the_code_of_every_job_behind_a_summary_is_listed(smoke):
    rules = set(smoke.planned("--forceall", "results/moe_smoke/summary.csv"))
    listed = json.loads(smoke.read("results/moe_smoke/provenance.json"))["code"]
    scripts = {SCRIPTS[rule] for rule in rules if "figure" not in rule} | {"figures.py", "figure_spectra.py"}
    named = {file.removeprefix("workflow/scripts/") for file in listed if file.startswith("workflow/scripts/")}
    assert {file for file in named if "/" not in file} == scripts
    names = {folder: {Path(f).stem for f in listed if f.startswith(f"gravispec/{folder}/")} for folder in FOLDERS}
    assert names["features"] & set(families()) == FOLDERS["features"]
    assert names["models"] & set(modules()) == FOLDERS["models"]
