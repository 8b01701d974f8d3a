"""A grid of BOSZ files through Snakemake: from a folder, and from a server that fails in every way a server can."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.bosz_files import Archive, name, write_tree
from tests.conftest import Checkout

pytestmark = pytest.mark.slow

NODES = ([4750, 5000], [3.0, 3.5, 4.0], [-0.25, 0.0])
GRID = {
    "kind": "bosz", "r": 5000, "medium": "air", "fwhm": 2.0, "shards": 2, "missing": "interpolate",
    "axes": {
        "T_eff": {"start": 4750, "stop": 5000, "n": 2},
        "log_g": {"start": 3.0, "stop": 4.0, "n": 3},
        "M_H": {"start": -0.25, "stop": 0.0, "n": 2},
    },
    "pixels": {"start": 7900.2449, "step": 0.42725, "n": 2223},
}  # fmt: skip
GAP = name(5000, 3.5, 0.0, 5000)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("bosz"))


@pytest.fixture
def tree(tmp_path):
    """All models but one."""
    root = write_tree(tmp_path / "tree", *NODES)
    (root / GAP).unlink()
    return root


def make(checkout, grid, source, target="grid.npz", **changes):
    """Run Snakemake for the files of a grid with this name."""
    config = checkout.path / f"{grid}.yaml"
    config.write_text(yaml.safe_dump({"grids": {grid: GRID | {"source": str(source)} | changes}}))
    return checkout.snakemake("--configfile", config.name, "--", f"results/grids/{grid}/{target}")


def refused(checkout, process, grid, *messages):
    assert process.returncode != 0
    assert "Traceback" not in process.stdout
    for message in messages:
        assert message in process.stdout
    assert not (checkout.path / f"results/grids/{grid}/grid.npz").exists()


@pytest.fixture(scope="module")
def from_folder(checkout, tmp_path_factory):
    root = write_tree(tmp_path_factory.mktemp("folder") / "tree", *NODES)
    (root / GAP).unlink()
    process = make(checkout, "folder", root)
    assert process.returncode == 0, process.stdout[-5000:]
    return checkout.path / "results/grids/folder"


def test_a_folder_gives_a_grid_that_interpolates_to_its_spectra(from_folder):
    from gravispec.spectra.grid import GridInterpolator
    from gravispec.spectra.instrument import fine_wave, from_published
    from tests.bosz_files import spectrum

    grid = GridInterpolator.load(from_folder / "grid.npz")
    fine = fine_wave(grid.wave, 5.0)
    for labels in ((4750, 3.5, 0.0), (5000, 3.5, 0.0), (4880, 3.3, -0.1)):  # a node, the gap, between nodes
        truth = spectrum(fine, *labels, r=10**6, medium="vacuum")[0] / (4 * np.pi)
        expected = from_published(fine, truth[None], grid.wave, fwhm=2.0, R=10**6)
        np.testing.assert_allclose(grid(np.array([labels])), expected, rtol=0.005)


def test_a_missing_model_is_reported_by_name(from_folder):
    files = pd.read_csv(from_folder / "files.csv")
    assert files.loc[files["file"] == GAP, "status"].tolist() == ["interpolated along log_g"]
    assert (files["status"] == "read").sum() == 12  # 11 models and the wavelengths
    assert f"missing: {GAP}: interpolated" in (from_folder / "logs/grid.log").read_text()
    assert (files["medium_offset"].dropna().abs() < 0.05).all()


def test_an_archive_that_fails_now_and_then_gives_the_same_grid_and_is_asked_once_a_file(checkout, tree, from_folder):
    waves = "wavelength_grids/bosz2024_wave_r5000.txt"
    flaky = {name(4750, 3.0, 0.0, 5000): [503, 503], name(5000, 4.0, -0.25, 5000): ["cut"], waves: [429]}
    with Archive(tree) as archive:
        archive.failures |= {path: list(failures) for path, failures in flaky.items()}
        process = make(checkout, "web", archive.url)
        assert process.returncode == 0, process.stdout[-5000:]
        every = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()]
        assert archive.asked == {path: 1 + len(flaky.get(path, [])) for path in [*every, GAP]}
        again = make(checkout, "web", archive.url, missing="error")
        assert archive.asked.total() == 13 + 4
    results = checkout.path / "results/grids"
    assert again.returncode != 0  # the gap is known without another request
    process = make(checkout, "web", archive.url)
    assert process.returncode == 0, process.stdout[-5000:]  # the server is gone, nothing is fetched again
    with np.load(from_folder / "grid.npz") as a, np.load(results / "web/grid.npz") as b:
        assert all(np.array_equal(a[key], b[key]) for key in a)
    files = pd.read_csv(results / "web/files.csv", index_col="file")
    for path in every:
        content = (tree / path).read_bytes()
        row = files.loc[path]
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert not list((checkout.path / ".snakemake/storage").rglob("*.gz"))


def test_missing_models_are_an_error_where_that_is_asked_for(checkout, tree):
    (tree / name(4750, 3.0, -0.25, 5000)).unlink()
    process = make(checkout, "gaps", tree, missing="error")
    refused(checkout, process, "gaps", "2 of 12 models are missing", GAP, name(4750, 3.0, -0.25, 5000))
    # a corner of the grid has no neighbours on both sides
    process = make(checkout, "gaps", tree)
    refused(checkout, process, "gaps", "1 missing models have no neighbours", name(4750, 3.0, -0.25, 5000))


def test_a_truncated_file_is_named_and_fetched_anew_after_its_repair(checkout, tree):
    path = tree / name(4750, 3.5, -0.25, 5000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with Archive(tree) as archive:
        process = make(checkout, "cut", archive.url, target="files/0.csv")
        refused(checkout, process, "cut", "error: ", path.name, "truncated or damaged")
        assert not list((checkout.path / "results/grids/cut").rglob("*.npz"))
        path.write_bytes(whole)
        process = make(checkout, "cut", archive.url, target="files/0.csv")
        assert process.returncode == 0, process.stdout[-5000:]


def test_a_server_that_refuses_is_named(checkout, tree):
    with Archive(tree) as archive:
        archive.failures["wavelength_grids/bosz2024_wave_r5000.txt"] = [403]
        process = make(checkout, "refused", archive.url)
    assert process.returncode != 0
    assert "bosz2024_wave_r5000.txt: 403 Forbidden" in process.stdout
    with Archive(tree.parent) as archive:  # not the root of the release
        process = make(checkout, "refused", archive.url, target="files/0.csv")
    refused(checkout, process, "refused", "bosz2024_wave_r5000.txt: the source has no such file", "check source and r")


def test_an_archive_that_stays_away_is_given_up_after_six_attempts(checkout, tree):
    path = name(5000, 4.0, 0.0, 5000)
    with Archive(tree) as archive:
        archive.failures |= {file: [503] * 100 for file in (path, name(5000, 4.0, -0.25, 5000))}
        process = make(checkout, "away", archive.url, target="files/1.csv")
        asked = [archive.asked[file] for file in archive.failures]
    refused(checkout, process, "away", "6 attempts failed, try again later (503 Service Unavailable)")
    assert max(asked) == 6
    assert min(asked) == 0


def test_a_wrong_medium_is_refused_and_put_right_without_fetching_again(checkout, tmp_path):
    root = write_tree(tmp_path / "tree", *NODES, medium="vacuum")
    with Archive(root) as archive:
        process = make(checkout, "mistaken", archive.url)
        refused(checkout, process, "mistaken", "grids.mistaken.medium = air", "declare medium: vacuum")
        asked = archive.asked.total()
        process = make(checkout, "mistaken", archive.url, medium="vacuum")
        assert process.returncode == 0, process.stdout[-5000:]
        assert archive.asked.total() == asked


def test_a_folder_without_the_release_is_named(checkout, tmp_path):
    process = make(checkout, "nowhere", tmp_path / "nowhere")
    assert process.returncode != 0
    assert str(tmp_path / "nowhere/wavelength_grids/bosz2024_wave_r5000.txt") in process.stdout


def test_a_run_on_a_bosz_grid_is_made_from_the_files_to_the_summary(checkout, tmp_path):
    write_tree(tmp_path / "tree", [3750, 4500, 5250, 6000], [1.0, 2.0, 3.0, 4.0, 5.0], [-2.5, -1.5, -0.5, 0.5])
    axes = {
        "T_eff": {"start": 3750, "stop": 6000, "n": 4},
        "log_g": {"start": 1.0, "stop": 5.0, "n": 5},
        "M_H": {"start": -2.5, "stop": 0.5, "n": 4},
    }
    config = {
        "grids": {"mine": GRID | {"source": str(tmp_path / "tree"), "axes": axes}},
        "datasets": {
            "mine": {
                "kind": "lte", "grid": "mine", "n_stars": {"train": 2400, "val": 600, "test": 600},
                "labels": {"M_H": {"low": -2.5, "high": 0.5}},
            }
        },
        "models": {"ridge": {"module": "global_ridge"}, "best": {"module": "oracle"}},
        "runs": {"mine": {"dataset": "mine", "n_train": 2400, "noise_level": 0.2, "models": ["ridge", "best"]}},
    }  # fmt: skip
    (checkout.path / "mine.yaml").write_text(yaml.safe_dump(config))
    process = checkout.snakemake("--configfile", "mine.yaml", "--", "results/mine/summary.csv")
    assert process.returncode == 0, process.stdout[-5000:]
    summary = pd.read_csv(checkout.path / "results/mine/summary.csv").set_index("model")
    assert summary.loc["best", "r2"] > 0.8
    wave = np.load(checkout.path / "results/spectra/mine/wave.npy")
    np.testing.assert_allclose(wave, 7900.2449 + 0.42725 * np.arange(2223))
