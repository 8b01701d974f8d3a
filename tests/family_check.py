"""One check that every feature family passes, against a naive dense reference."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from gravispec.data.arrays import RowReader
from gravispec.data.features import write_features
from gravispec.features.family import TrainedRows, compute, open_inputs

N_TRAIN, N_VAL, N_TEST = 160, 20, 30
#: name: split, first and last row in it, all of them counted from 0
SHARDS = {
    "train_0": ("train", 0, 70),
    "train_1": ("train", 70, N_TRAIN),
    "val_0": ("val", 0, N_VAL),
    "test_0": ("test", 0, N_TEST),
}


def check_family(module, data, naive, tmp_path, *, mode=None, rtol=2e-5):
    """``data``: files and trained rows, a ``SmallData``; ``naive(data)``: the features (N, D), computed densely,
    or None.

    Checks values, finiteness, names, the written table and its metadata; the same values in blocks of any size, in
    shards, on a second call, and for the training stars when the test stars are permuted.
    """
    n, family = len(data.stars), module.__name__.rpartition(".")[2]
    inputs = open_inputs(module, data.files, trained=data.trained, mode=mode)
    features = compute(module, inputs, "train", 0)
    assert features.shape == (n, len(module.NAMES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert len(set(module.NAMES)) == len(module.NAMES)

    expected = naive(data) if naive else features
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(features / scale, expected / scale, rtol=0, atol=rtol)

    np.testing.assert_array_equal(compute(module, inputs, "train", 0), features)
    for block in (1, 7, n):
        again = compute(module, inputs, "train", 0, block=block)
        np.testing.assert_allclose(again / scale, features / scale, rtol=0, atol=1e-6)

    paths = [tmp_path / f"{name}.npy" for name in SHARDS]
    for path, (name, (split, first, _)) in zip(paths, SHARDS.items(), strict=True):
        trained = TrainedRows(split, first, N_TRAIN)
        of_shard = open_inputs(module, data.shard(name), trained=trained, mode=mode)
        np.save(path, compute(module, of_shard, split, first))
    np.testing.assert_allclose(RowReader(paths)[:] / scale, features / scale, rtol=0, atol=1e-6)

    order = np.arange(n)
    test = (data.stars["split"] == "test").to_numpy()
    order[test] = np.random.default_rng(1).permutation(order[test])
    shuffled = dict(inputs)
    for name in ("flux", "sigma"):
        if name in inputs:
            shuffled[name] = np.asarray(inputs[name][0:n])[order]
    again = compute(module, shuffled, "train", 0)
    np.testing.assert_allclose(again / scale, features[order] / scale, rtol=0, atol=1e-6)

    path = tmp_path / f"{family}.parquet"
    about = {"names": module.NAMES, "definition": module.DEFINITION, "unit": module.UNIT}
    write_features(path, data.stars, features, family=family, **about)
    table = pd.read_parquet(path)
    columns = [f"{family}_{i:02d}" for i in range(len(module.NAMES))]
    assert list(table.columns) == ["star_id", "split", *columns]
    assert table["star_id"].tolist() == data.stars["star_id"].tolist()
    assert all(field.type == "float" for field in pq.read_schema(path) if field.name in columns)
    np.testing.assert_array_equal(table[columns].to_numpy(), features)
    written = json.loads(pq.read_schema(path).metadata[b"gravispec"])
    assert (written["family"], written["definition"], written["unit"]) == (family, module.DEFINITION, module.UNIT)
    assert list(written["names"].values()) == list(module.NAMES)


class SmallData:
    """Spectra of 210 stars on 700 pixels, which cover the gate windows; Ridge and components of 160 of them.

    ``ridge`` is that of log g; its file has all three labels."""

    def __init__(self, folder):
        from gravispec.models.moments import fold_moments, fold_of_row, pool
        from gravispec.models.pca import N_COMPONENTS, pca_from_moments
        from gravispec.models.ridge import cross_fit_from_moments

        rng = np.random.default_rng(8)
        n = N_TRAIN + N_VAL + N_TEST
        self.wave = np.linspace(8040.0, 8845.0, 700)
        labels = rng.uniform(-1, 1, (n, 3))
        clean = 1 + labels @ rng.normal(0, 0.05, (3, 700))
        self.sigma = rng.uniform(0.025, 0.1, (n, 700)).astype(np.float32)
        self.flux = (clean + self.sigma * rng.normal(size=clean.shape)).astype(np.float32)
        split = np.repeat(["train", "val", "test"], [N_TRAIN, N_VAL, N_TEST])
        ids = [f"star-{i:03d}" for i in rng.permutation(n)]
        labels = labels * [1, 1000, 1] + [3, 4800, -1]
        self.stars = pd.DataFrame({"star_id": ids, "split": split, "log_g": labels[:, 0]})
        self.trained = np.where(split == "train", np.arange(n), -1)
        X, y = self.flux[:N_TRAIN], labels[:N_TRAIN]
        folds = fold_moments([(X, y)], N_TRAIN, n_folds=5, seed=2)
        self.fold = fold_of_row(N_TRAIN, 5, 2)
        self.of_labels, self.ridge_folds = cross_fit_from_moments(folds, self.fold)
        self.ridge = self.of_labels.first()
        self.pca = pca_from_moments(pool(folds), N_COMPONENTS)
        self.files = {name: folder / f"{name}.npy" for name in ("flux", "sigma", "wave")}
        for name, path in self.files.items():
            np.save(path, getattr(self, name))
        for name, record in (("ridge", self.of_labels), ("ridge_folds", self.ridge_folds), ("pca", self.pca)):
            self.files[name] = folder / f"{name}.npz"
            record.save(self.files[name])
        assert len(RowReader(self.files["flux"])) == n

    def shard(self, name):
        """The files of one of ``SHARDS``."""
        split, first, last = SHARDS[name]
        start = int((self.stars["split"] == split).to_numpy().argmax())
        files = dict(self.files)
        for array in ("flux", "sigma"):
            files[array] = self.files[array].with_name(f"{array}_{name}.npy")
            np.save(files[array], getattr(self, array)[start + first : start + last])
        return files
