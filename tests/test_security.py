"""Nothing that a file or a configuration says is executed: no pickles, no shell."""

import ast
import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gravispec.data.arrays import RowReader
from gravispec.data.npz import load_npz
from gravispec.data.pfsspec import ERROR, FLUX, WAVE, numeric_columns
from gravispec.data.stamp import read_stamp
from gravispec.data.tensor_file import load_tensors
from gravispec.errors import InputError
from gravispec.evaluation.validate import read
from gravispec.models import model
from gravispec.models.ridge import RidgeFit
from gravispec.models.trained import TrainedRun
from gravispec.spectra.grid import GridInterpolator
from tests.test_project import REPO, tracked

SOURCES = tracked("gravispec/*.py", "workflow/*.py", "benchmarks/*.py")
#: calls that can run what a file or a text says, and what they must be given so that they cannot
UNSAFE = {
    "numpy.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
FORBIDDEN = re.compile(
    r"^(pickle|_pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal|tables)(\.|$)"
    r"|^(pandas\.(read_pickle|read_hdf|HDFStore)|yaml\.(load|unsafe_load|full_load)|eval|exec|os\.(system|popen\w*|spawn\w*)"
    r"|subprocess\.(getoutput|getstatusoutput)|snakemake\.shell(\..*)?)$"
)


def names(tree):
    """Full names of all that a module imports or calls, with the call where it is one."""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                imported[alias.asname or alias.name.split(".")[0]] = module + alias.name
                yield module + alias.name, None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, *rest = ast.unparse(node.func).split(".")
            if first in imported or not rest:
                yield ".".join([imported.get(first, first), *rest]), node


def mistakes(source):
    """What a module's text does that it must not, as texts."""
    found = []
    for name, call in names(ast.parse(source)):
        given = {word.arg: getattr(word.value, "value", None) for word in call.keywords} if call else {}
        if FORBIDDEN.search(name):
            found.append(name)
        if call and name in UNSAFE and given.get(UNSAFE[name][0]) is not UNSAFE[name][1]:
            found.append(name)
        if given.get("allow_pickle") or given.get("shell"):
            found.append(f"{name}, {sorted(given)}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_no_module_can_unpickle_or_start_a_shell(path):
    assert mistakes(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "import pandas as pd\npd.read_hdf(p)",
        "import subprocess\nsubprocess.run(f'ls {name}', shell=True)",
        "import os\nos.system(name)",
        "from os import system\nsystem(name)",
        "from snakemake.shell import shell",
        "eval(name)",
    ],
)
def test_the_check_sees_what_it_looks_for(source):
    assert mistakes(source)


def test_no_rule_has_a_shell_command_or_code_of_its_own():
    for path in [*tracked("workflow/*.smk"), REPO / "Snakefile"]:
        assert not re.search(r"^\s*(shell|run|wrapper|cwl|notebook)\s*:", path.read_text(), re.M), path


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def bomb(tmp_path):
    """A pickle; the test fails if anybody opened it. It does explode: the last line of this fixture shows it."""
    fuse = tmp_path / "executed"
    content = pickle.dumps(Bomb(fuse), protocol=2)
    yield content
    assert not fuse.exists()
    pickle.loads(content)  # on purpose: a bomb that cannot explode would prove nothing
    assert fuse.exists()


LOADERS = {
    "npz": [lambda path: load_npz(path, RidgeFit), RidgeFit.load, GridInterpolator.load, read_stamp],
    "safetensors": [TrainedRun.load, model.load, lambda path: load_tensors(path, "model", model.FORMAT)],
    "npy": [RowReader, lambda path: np.load(path, allow_pickle=False)],
    "parquet": [read, pd.read_parquet],
    "csv": [read],
}


@pytest.mark.parametrize(
    ("suffix", "loader"), [pytest.param(s, f, id=f"{s}-{k}") for s, fs in LOADERS.items() for k, f in enumerate(fs)]
)
def test_a_pickle_in_the_place_of_a_file_is_refused(tmp_path, bomb, suffix, loader):
    path = tmp_path / f"model.{suffix}"
    path.write_bytes(bomb)
    with pytest.raises((InputError, ValueError, OSError, pa.ArrowException)):
        loader(path)


@pytest.mark.parametrize("loader", LOADERS["npz"])
def test_pickled_objects_in_an_npz_file_are_refused(tmp_path, bomb, loader):
    path = tmp_path / "ridge.npz"
    names = ("coef", "intercept", "alpha", "alphas", "cv_mse", "n", "provenance", "wave", "axis_names")
    planted = np.array([Bomb(tmp_path / "executed")], dtype=object)
    np.savez(path, **dict.fromkeys(names, planted))
    with pytest.raises((InputError, ValueError)):
        loader(path)


def test_an_array_of_objects_is_refused(tmp_path, bomb):
    path = tmp_path / "flux.npy"
    np.save(path, np.array([[Bomb(tmp_path / "executed")]], dtype=object))
    with pytest.raises(InputError, match="numeric 2-D array"):
        RowReader(path)


@pytest.mark.parametrize("loader", LOADERS["safetensors"])
def test_a_pickle_in_the_header_of_a_model_is_refused(tmp_path, bomb, loader):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(bomb)) + bomb)
    with pytest.raises(InputError):
        loader(path)


def test_a_parquet_file_that_asks_for_a_pickled_type_gets_none(tmp_path, bomb):
    """Before pyarrow 14.0.1 the type of a column was unpickled from the file's metadata (CVE-2023-47248)."""
    path = tmp_path / "stars.parquet"
    metadata = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": bomb}
    field = pa.field("star_id", pa.string(), metadata=metadata)
    pq.write_table(pa.table([["a"]], schema=pa.schema([field])), path)
    assert read(path)["star_id"].tolist() == ["a"]
    assert read_stamp(path) == {}


def test_pickled_labels_of_an_hdf5_file_are_not_opened(tmp_path, bomb):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("dataset/params")
        group.attrs["pandas_type"] = "frame_table"
        group["table"] = np.zeros(3, dtype=[("index", "i8"), ("values_block_0", "f8", (1,))])
        group["table"].attrs["values_block_0_kind"] = np.void(bomb)
        group["block0_items"] = np.array([b"log_g"])
        group["block0_values"] = np.zeros((3, 1))
    with h5py.File(path) as file:
        assert "log_g" in numeric_columns(file)


def test_a_file_that_fills_the_memory_is_named(tmp_path):
    """A few bytes on disk, 16 GiB when they are read."""
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(WAVE, shape=(2**31,), dtype="f8", chunks=(2**20,))
        file[FLUX] = file[ERROR] = np.ones((2, 3))
    code = f"""
import sys
from gravispec.data.pfsspec import limited_memory
from gravispec.data.pfsspec import open_file
from gravispec.errors import InputError
try:
    with limited_memory(["train.h5"]), open_file({str(path)!r}):
        print("read")
except InputError as error:
    print(error)
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True)
    assert process.stdout.startswith("train.h5: reading takes more than 4 GiB of memory"), process.stderr
