"""There and back through Snakemake: an exported data set, named in the config, becomes the same data set again."""

import contextlib

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from gravispec.cli import export
from gravispec.spectra.wavelength import vacuum_to_air
from tests.conftest import Checkout
from tests.pfsspec_files import small_spectra, write_pfsspec

pytestmark = pytest.mark.slow
SIZES = {"train": 100, "val": 60, "test": 60}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """``mine``: made-up spectra; ``in_air``: the same with wavelengths in air; ``back``: ``mine`` exported."""
    checkout = Checkout(tmp_path_factory.mktemp("export"))
    (checkout.path / "data").mkdir()
    for seed, (split, n) in enumerate(SIZES.items()):
        wave, *rest = small_spectra(n, seed=seed)
        write_pfsspec(checkout.path / f"data/mine_{split}.h5", wave, *rest)
        write_pfsspec(checkout.path / f"data/in_air_{split}.h5", vacuum_to_air(wave), *rest)
    names = ("mine", "in_air", "back")
    config = {"datasets": {n: {"kind": "pfsspec"} | {s: f"data/{n}_{s}.h5" for s in SIZES} for n in names}}
    (checkout.path / "own.yaml").write_text(yaml.safe_dump(config))

    def make(*names):
        targets = [f"results/spectra/{name}/stars.parquet" for name in names]
        process = checkout.snakemake("--configfile", "own.yaml", "--", *targets)
        assert process.returncode == 0, process.stdout[-5000:]

    make("mine", "in_air")
    for split in SIZES:
        arguments = ["--dataset", "results/spectra/mine", "--split", split, f"data/back_{split}.h5"]
        with contextlib.chdir(checkout.path):
            CliRunner().invoke(export, arguments, catch_exceptions=False)
    make("back")
    return checkout


def test_a_data_set_comes_back_bit_by_bit(checkout):
    mine, back = (checkout.path / "results/spectra" / name for name in ("mine", "back"))
    for name in ("wave", *(f"{array}/{split}_0" for array in ("flux", "error") for split in SIZES)):
        np.testing.assert_array_equal(np.load(back / f"{name}.npy"), np.load(mine / f"{name}.npy"))
    stars = pd.read_parquet(mine / "stars.parquet")
    assert stars["snr"].notna().all()
    pd.testing.assert_frame_equal(pd.read_parquet(back / "stars.parquet"), stars, check_exact=True)


def test_wavelengths_in_air_are_reported(checkout):
    logs = {name: checkout.read(f"results/spectra/{name}/logs/spectra.log") for name in ("mine", "in_air")}
    assert "warning" not in logs["mine"]
    assert "data/in_air_train.h5: warning: strong lines are -1." in logs["in_air"]  # 2.3 of 1.5 Å
    assert "are these wavelengths in air" in logs["in_air"]
