"""Mistakes outside the data files: each is named, ends with a non-zero exit code and leaves no output."""

import os
import subprocess

import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.slow


def overlay(checkout, name, content):
    (checkout.path / name).write_text(yaml.safe_dump(content))
    return ["--configfile", name, "--"]


def test_a_mistyped_key_stops_with_one_line(smoke):
    arguments = overlay(smoke, "typo.yaml", {"runs": {"moe_smoke": {"noise_levl": 0.3}}})
    process = smoke.snakemake(*arguments, "results/moe_smoke/summary.csv")
    assert process.returncode != 0
    assert "Traceback" not in process.stdout
    last = process.stdout.strip().splitlines()[-1]
    assert last.startswith("config: runs.moe_smoke.noise_levl = 0.3: unknown key")
    assert "did you mean 'noise_level'?" in last


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("models", {"mine": {"module": "mlpp"}}, "config: models.mine.module"),
        ("models", {"mlp": {"hiden": 3}}, "config: models.mlp.hiden = 3: unknown key"),
        ("runs", {"moe_smoke": {"reference": "tower"}}, "config: runs.moe_smoke"),
        ("runs", {"moe_smoke": {"models": ["mlp", "mlpp"]}}, "config: runs.moe_smoke.models"),
    ],
)
def test_a_model_that_is_not_there_stops_with_one_line(smoke, name, value, line):
    process = smoke.snakemake("-n", *overlay(smoke, "unknown.yaml", {name: value}), "results/moe_smoke/summary.csv")
    assert process.returncode != 0
    assert "Traceback" not in process.stdout
    assert process.stdout.strip().splitlines()[-1].startswith(line)


def test_a_bin_with_fewer_stars_than_folds_is_named(smoke):
    folder = "results/features/smoke/noise_0.2/train_60"
    arguments = overlay(smoke, "few.yaml", {"runs": {"few": {"like": "moe_smoke", "n_train": 60}}})
    process = smoke.snakemake("--keep-going", *arguments, f"{folder}/experts.parquet")
    assert process.returncode != 0
    assert "fewer than the 5 folds" in process.stdout
    assert "raise n_train, or widen the bins" in process.stdout
    made = {path.name for path in (smoke.path / "results/few").rglob("*.npz")}
    assert len(made) < 9
    assert not (smoke.path / f"{folder}/experts.parquet").exists()


def test_a_file_that_does_not_exist_is_named(smoke):
    files = {split: f"data/{split}.h5" for split in ("train", "val", "test")}
    config = {
        "datasets": {"absent": {"kind": "pfsspec", **files}},
        "runs": {"absent": {"like": "moe_smoke", "dataset": "absent", "n_train": 100}},
    }
    process = smoke.snakemake(*overlay(smoke, "absent.yaml", config), "results/absent/summary.csv")
    assert process.returncode != 0
    assert "data/train.h5" in process.stdout


def test_a_full_disk_is_named_leaves_nothing_and_is_resumed_when_there_is_space(smoke, tmp_path):
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True)
    if small.returncode:
        pytest.skip(f"no small file system can be mounted here: {small.stderr.decode().strip()}")
    try:
        folder = smoke.path / "results" / "spectra" / "other"
        folder.parent.mkdir(exist_ok=True)
        os.symlink(tmp_path, folder)
        sizes = {"train": 1200, "val": 60, "test": 60}  # 10.7 MB of training flux
        config = {"datasets": {"other": {"kind": "lte", "grid": "smoke", "n_stars": sizes}}}
        arguments = [*overlay(smoke, "other.yaml", config), "results/spectra/other/flux/train_0.npy"]
        process = smoke.snakemake(*arguments)
        assert process.returncode != 0
        assert "no space left on the disk of results/spectra/other/stars: free some and run again" in process.stdout
        assert not [path for path in tmp_path.rglob("*.npy")]
        subprocess.run(["mount", "-o", "remount,size=40m", tmp_path], check=True)
        process = smoke.snakemake(*arguments)
        assert process.returncode == 0, process.stdout[-3000:]
        assert len(np.load(tmp_path / "flux/train_0.npy")) == 1200
    finally:
        folder.unlink(missing_ok=True)
        subprocess.run(["umount", tmp_path], check=True)
