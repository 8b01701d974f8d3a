"""Any number of stars: shards are read as one, memory does not grow with them, and what does not fit is said first."""

import shutil
import subprocess
import sys
import tracemalloc
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml

from gravispec.config import load
from gravispec.data.arrays import RowReader, selected_rows
from gravispec.data.error_rows import ErrorRows
from gravispec.data.npz import load_npz
from gravispec.errors import InputError
from gravispec.models.moments import fold_moments, fold_of_row, moments_of
from gravispec.models.ridge import FoldFits, RidgeFit
from gravispec.spectra.observing import error_arrays, error_parameters
from gravispec.spectra.sampling import sample_stars
from tests.conftest import REPO
from tests.whole_config import RAW
from workflow.costs import MOST_SHARDS, Costs, shortage, too_many_shards

GB = 1_000_000_000


@pytest.fixture
def shards(tmp_path):
    """The rows (23, 5) of a file, and the paths of three files with the same rows."""
    rows = np.random.default_rng(2).normal(size=(23, 5)).astype(np.float32)
    paths = [tmp_path / f"train_{i}.npy" for i in range(3)]
    for path, (lo, hi) in zip(paths, pairwise((0, 9, 10, 23)), strict=True):
        np.save(path, rows[lo:hi])
    return rows, paths


@pytest.mark.parametrize("chosen", [slice(0, 23), slice(8, 11), slice(5, 5), [0, 8, 9, 10, 22], [9], [3, 4, 5, 20], []])
def test_rows_of_several_files_are_those_of_one(shards, chosen):
    rows, paths = shards
    chosen = chosen if isinstance(chosen, slice) else np.array(chosen, int)
    reader = RowReader(paths)
    assert reader.shape == rows.shape
    np.testing.assert_array_equal(reader[chosen], rows[chosen])


def test_selected_rows_of_several_files(shards):
    rows, paths = shards
    keep = np.random.default_rng(3).random(23) < 0.4
    found = list(selected_rows(RowReader(paths), keep, size=4))
    np.testing.assert_array_equal(np.concatenate([part for part, _ in found]), rows[keep])
    np.testing.assert_array_equal(np.concatenate([index for _, index in found]), np.flatnonzero(keep))


def test_files_that_do_not_belong_together_or_end_early_are_named(shards, tmp_path):
    _, paths = shards
    np.save(tmp_path / "other.npy", np.zeros((4, 6), np.float32))
    with pytest.raises(InputError, match=r"other\.npy: 6 columns of float32"):
        RowReader([*paths, tmp_path / "other.npy"])
    paths[2].write_bytes(paths[2].read_bytes()[:-8])
    reader = RowReader(paths)
    assert len(reader[:22]) == 22
    with pytest.raises(InputError, match=r"train_2.npy: truncated, rows 12\.\.13"):
        reader[[3, 22]]


def test_stars_of_a_shard_are_rows_of_the_whole_split():
    whole = sample_stars(700, split="train", seed=4)
    part = sample_stars(650, split="train", seed=4, first=300)
    pd.testing.assert_frame_equal(part.reset_index(drop=True), whole[300:650].reset_index(drop=True))


def test_errors_come_back_from_two_numbers_bit_by_bit(tmp_path):
    wave = 7900.0 + 0.4 * np.arange(2000)
    stars = sample_stars(60, split="test", seed=1)
    flux = (1 + 0.1 * np.random.default_rng(1).normal(size=(60, 2000))).astype(np.float32) * (8500 / wave) ** 2
    error, _ = error_arrays(wave, flux.astype(np.float32), stars)
    np.save(tmp_path / "numbers.npy", error_parameters(wave, flux.astype(np.float32), stars))
    np.save(tmp_path / "pixels.npy", error)
    for name in ("numbers", "pixels"):
        rows = ErrorRows(tmp_path / f"{name}.npy", wave)
        assert (rows.shape, rows.dtype) == ((60, 2000), np.float32)
        np.testing.assert_array_equal(rows[:], error)
        np.testing.assert_allclose(rows[[2, 40]], error[[2, 40]], rtol=1e-6)


def test_moments_fold_by_fold_are_those_of_one_pass():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(5000, 40)).astype(np.float32), rng.normal(size=(5000, 2))
    fold = fold_of_row(5000, 5, 1)
    for k, expected in enumerate(fold_moments([(X, y)], 5000, n_folds=5, seed=1)):
        inside = fold == k
        found = moments_of([(X[inside][:700], y[inside][:700]), (X[inside][700:], y[inside][700:])], inside.sum())
        assert found.n == expected.n == inside.sum()
        for field in fields(expected):
            pair = getattr(found, field.name), getattr(expected, field.name)
            np.testing.assert_allclose(*pair, rtol=1e-10, atol=1e-10, err_msg=field.name)


PEAK = """
import resource, sys, numpy as np
from gravispec.data.arrays import RowReader, selected_rows
from gravispec.models.moments import moments_of
reader = RowReader(sys.argv[1:])
keep = np.arange(len(reader)) % 3 > 0
moments_of(((X, X[:, 0]) for X, _ in selected_rows(reader, keep)), int(keep.sum()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_of_a_job_does_not_grow_with_the_stars(tmp_path):
    rows = np.random.default_rng(0).normal(size=(8000, 512)).astype(np.float32)  # 16 MB
    paths = [tmp_path / f"{i}.npy" for i in range(5)]
    for path in paths:
        np.save(path, rows)
    run = lambda *files: subprocess.run(  # noqa: E731
        [sys.executable, "-c", PEAK, *files], cwd=REPO, capture_output=True, text=True, check=True
    )
    one, five = (int(run(*map(str, files)).stdout) / 1024 for files in (paths[:1], paths))
    assert five - one < 8, f"{one:.0f} MB with 8,000 stars, {five:.0f} MB with 40,000"


def settings(**more):
    return load(RAW | {section: RAW[section] | entries for section, entries in more.items()})


def jobs_of(found, dataset, level="0.2"):
    shards = found.datasets[dataset].shards()
    return [
        (rule, {"dataset": dataset, "shard": shard, "level": level}, [])
        for shard in shards
        for rule in ("spectra", "noisy")
    ]


def dataset_of(n_train):
    return {"kind": "lte", "grid": "mr", "n_stars": {"train": n_train, "val": 10_000, "test": 5_000}}


def test_one_million_stars_need_two_arrays():
    found = settings()
    line, problem = shortage(Costs(found), jobs_of(found, "large"), disk=45 * GB, memory=6000)
    assert problem is None
    assert line.startswith(f"{2 * 1_015_000 * 4 * 4096 / 1e9:.1f} GB of disk")


def test_the_smaller_run_that_is_named_fits_and_one_much_larger_does_not():
    found = settings()
    _, problem = shortage(Costs(found), jobs_of(found, "large"), disk=21 * GB, memory=6000)
    assert "about 33.3 GB of disk are needed in results/, 21.0 GB are free" in problem
    n_train = int(problem.split("n_train = ")[1].split()[0])
    for n, fits in ((n_train, True), (n_train + 2000, False)):
        smaller = settings(datasets={"smaller": dataset_of(n)})
        _, problem = shortage(Costs(smaller), jobs_of(smaller, "smaller"), disk=21 * GB, memory=6000)
        assert (problem is None) is fits


def test_files_that_are_there_count_as_done(tmp_path):
    found = settings()
    jobs = jobs_of(found, "lte")
    size = 50_000 * 4 * 4096
    done = tmp_path / "train_0.npy"
    with open(done, "wb") as file:
        file.truncate(size)  # a hole, no data
    need = 2 * 115_000 * 4 * 4096
    assert shortage(Costs(found), jobs, disk=need - 1, memory=6000)[1]
    again = [(rule, wildcards, [str(done)] if i == 0 else []) for i, (rule, wildcards, _) in enumerate(jobs)]
    assert shortage(Costs(found), again, disk=need - size, memory=6000)[1] is None
    assert shortage(Costs(found), again, disk=need - size - 1, memory=6000)[1]


@pytest.mark.parametrize("n_train", [10**9, 10**12, 10**15])
@pytest.mark.parametrize("shard", [100, 50_000, 10**6])
def test_more_shards_than_can_be_planned_are_refused_with_the_needs_before_they_are_named(n_train, shard):
    found = settings(datasets={"huge": dataset_of(n_train) | {"shard": shard}})
    size = (n_train + 15_000) * 2 * 4 * 4096
    tracemalloc.start()
    problem = too_many_shards(Costs(found), "huge", disk=21 * GB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6
    if found.datasets["huge"].n_shards <= MOST_SHARDS:
        assert problem is None  # the check before the first job knows the rest
        return
    assert f"about {size / 1e9:.1f} GB of disk are needed in results/, 21.0 GB are free" in problem
    smaller = int(problem.split("n_train = ")[1].split()[0])
    assert 0.9 * 21 * GB < (smaller + 15_000) * 2 * 4 * 4096 < 21 * GB
    cut = int(problem.split("shard: ")[1]) if "shard: " in problem else shard
    fitting = settings(datasets={"huge": dataset_of(smaller) | {"shard": cut}})
    assert too_many_shards(Costs(fitting), "huge", disk=21 * GB) is None


@pytest.mark.parametrize("n_train", [10**6, 10**9])
def test_small_shards_of_many_stars_are_refused_with_a_shard_that_can_be_planned(n_train):
    found = settings(datasets={"cut": dataset_of(n_train) | {"shard": 100}})
    problem = too_many_shards(Costs(found), "cut", disk=10**18)
    assert "datasets.cut.shard = 100" in problem
    shard = int(problem.split("shard: ")[1].split()[0])
    for size, fits in ((shard, True), (shard // 2, False)):
        cut = settings(datasets={"cut": dataset_of(n_train) | {"shard": size}})
        assert (too_many_shards(Costs(cut), "cut", disk=10**18) is None) is fits
        assert len(cut.datasets["cut"].shards()) == cut.datasets["cut"].n_shards


def test_rows_of_the_shards_are_the_stars_each_once():
    found = settings(datasets={"cut": {**dataset_of(1050), "shard": 100}}).datasets["cut"]
    rows = [found.rows(name) for name in found.shards()]
    assert rows[0] == ("train", 0, 100)
    for split, n in found.n_stars:
        assert [i for s, first, stop in rows if s == split for i in range(first, stop)] == list(range(n))


def test_a_cluster_is_asked_for_more_than_was_measured_and_a_model_says_its_own():
    costs = Costs(settings())
    at = {"dataset": "lte", "level": "0.2", "n_train": "100000"}
    for rule, model in (("model", "mlp"), ("model", "lightgbm"), ("model", "tower"), ("predictions_of_level", "mlp")):
        need = costs.of(rule, at | {"model": model})
        assert need.megabytes() > need.MB
        assert need.megabytes() % 250 == 0
        assert 60 * need.minutes() > need.seconds
    needs = {model: costs.of("model", at | {"model": model}) for model in ("lightgbm", "global_ridge", "hard")}
    assert needs["lightgbm"].seconds > 10 * needs["hard"].seconds


def test_a_grid_of_many_models_needs_disk_and_memory():
    axes = {"T_eff": 200, "log_g": 200, "M_H": 200, "a_M": 200, "C_M": 200}
    axes = {name: {"start": 4000, "stop": 6000} if name == "T_eff" else {"start": 0.5, "stop": 1} for name in axes}
    for n in (2, 200):
        grid = {"axes": {name: about | {"n": n} for name, about in axes.items()}, "shards": 32}
        found = settings(grids={"huge": grid})
        jobs = [("grid_shard", {"grid": "huge", "shard": str(i)}, []) for i in range(32)]
        line, problem = shortage(Costs(found), [*jobs, ("grid", {"grid": "huge"}, [])], disk=50 * GB, memory=6000)
        assert line.startswith(f"{n**5 * 8 * 4096 / 1e9:.1f} GB of disk")
        assert (problem is None) is (n == 2)
    assert "of disk are needed in results/, 50.0 GB are free" in problem
    assert "take fewer nodes in grids.huge.axes" in problem
    _, problem = shortage(Costs(found), [("grid", {"grid": "huge"}, [])], disk=50 * GB, memory=6000)
    assert "of memory are needed for a job of rule grid, 6.0 GB are free" in problem


def test_too_little_memory_is_said_with_the_rule():
    found = settings()
    jobs = [
        ("expert", {"dataset": "lte", "level": "0.2", "n_train": "100000", "bin": "0"}, []),
        ("summary", {"run": "mixture"}, []),
    ]
    _, problem = shortage(Costs(found), jobs, disk=GB, memory=700)
    assert "of memory are needed for a job of rule expert, 0.7 GB are free" in problem
    assert shortage(Costs(found), jobs, disk=GB, memory=2000)[1] is None


def test_a_shard_of_features_needs_as_much_in_any_data_set():
    found = settings(datasets={"huge": dataset_of(100_000_000)})
    wildcards = {"shard": "train_1", "level": "0.2", "n_train": "100000", "feature": "window"}
    of_size = [Costs(found).of("feature", wildcards | {"dataset": name}) for name in ("lte", "huge")]
    assert of_size[0].seconds == of_size[1].seconds
    # 10 bytes a star: a Ridge out of fold knows the fold of every training star
    assert of_size[1].MB - of_size[0].MB < 1010
    tables = [Costs(found).of("feature_table", wildcards | {"dataset": name}) for name in ("lte", "huge")]
    assert tables[1].MB > tables[0].MB + 10_000


@pytest.mark.slow
class TestBeforeTheFirstJob:
    def start(self, checkout, content, target):
        (checkout.path / "needs.yaml").write_text(yaml.safe_dump(content))
        return checkout.snakemake("--configfile", "needs.yaml", "--", target)

    def test_a_run_that_does_not_fit_on_the_disk_does_not_begin(self, smoke):
        config = {
            "datasets": {"huge": dataset_of(1_000_000_000) | {"shard": 100_000_000}},
            "runs": {"huge": {"like": "moe_smoke", "dataset": "huge", "n_train": 1_000_000_000}},
        }
        self.is_refused(smoke, config)

    def test_nor_does_one_that_has_more_shards_than_can_be_planned(self, smoke):
        config = {
            "datasets": {"huge": dataset_of(10**12)},
            "runs": {"huge": {"like": "moe_smoke", "dataset": "huge", "n_train": 10**12}},
        }
        self.is_refused(smoke, config)

    def is_refused(self, smoke, config):
        process = self.start(smoke, config, "results/huge/summary.csv")
        assert process.returncode == 1
        assert "Traceback" not in process.stdout
        assert "of disk are needed in results/" in process.stdout
        assert "n_train = " in process.stdout
        assert not (smoke.path / "results/spectra/huge").exists()
        # the folder is not locked
        assert "Nothing to be done" in smoke.snakemake().stdout

    def test_a_gpu_that_is_asked_for_and_absent(self, smoke):
        config = {"device": "cuda", "runs": {"other": {"like": "moe_smoke", "n_train": 1000}}}
        process = self.start(smoke, config, "results/other/summary.csv")
        if "this machine has no GPU" not in process.stdout:
            pytest.skip("a GPU is here")
        assert process.returncode == 1
        assert not (smoke.path / "results/other").exists()


@pytest.fixture(scope="module")
def sharded(smoke, more):
    """Noisy spectra of the smoke run in shards of 900 stars: arguments for more of them, and their files."""
    of_smoke = yaml.safe_load(smoke.read("config/config.yaml"))["datasets"]["smoke"]
    overlay = more(datasets={"sharded": of_smoke | {"shard": 900}})
    names = ["train_0", "train_1", "train_2", "val_0", "test_0"]
    files = [f"results/noisy/sharded/noise_0.2/{name}.npy" for name in names]
    process = smoke.snakemake(*overlay, *files)
    assert process.returncode == 0, process.stdout[-3000:]
    return overlay, [smoke.path / file for file in files]


@pytest.mark.slow
def test_smaller_shards_give_the_same_spectra(smoke, sharded):
    _, files = sharded
    # the products behind the flux round with the number of rows in a block
    np.testing.assert_allclose(RowReader(files)[:], smoke.flux(), rtol=0, atol=1e-5)
    stars = [pd.read_parquet(smoke.path / f"results/spectra/{name}/stars.parquet") for name in ("sharded", "smoke")]
    pd.testing.assert_frame_equal(*stars, rtol=1e-5)


@pytest.mark.slow
def test_out_of_fold_features_in_shards_are_of_the_training_stars_alone(smoke, sharded):
    """The 1,000 training stars end within the second shard; the Ridge is that of the smoke run."""
    overlay, files = sharded
    features = smoke.path / "results/features"
    target = features / "sharded/noise_0.2/train_1000"
    target.mkdir(parents=True)
    for name in ("ridge.npz", "ridge_folds.npz"):
        shutil.copy(features / "smoke/noise_0.2/train_2400" / name, target / name)
    table = "results/features/sharded/noise_0.2/train_1000/ridge_cross_fit.parquet"
    process = smoke.snakemake("--allowed-rules", "feature", "feature_table", *overlay, table)
    assert process.returncode == 0, process.stdout[-3000:]
    flux = RowReader(files)[:]
    expected = RidgeFit.load(target / "ridge.npz").first().predict(flux)
    seen = load_npz(target / "ridge_folds.npz", FoldFits).predict(flux[:1000], np.arange(1000))
    assert np.abs(seen - expected[:1000]).mean() > 0.01
    expected[:1000] = seen
    found = pd.read_parquet(smoke.path / table)
    np.testing.assert_allclose(found["ridge_00"], expected, rtol=0, atol=1e-5)
    stars = pd.read_parquet(smoke.path / "results/spectra/sharded/stars.parquet")
    assert found["star_id"].equals(stars["star_id"])
