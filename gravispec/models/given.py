"""What models are given, by the names of the table in ``gravispec.plugins.models``: stars of a data set, from files."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks, selected_rows
from gravispec.data.features import feature_matrix
from gravispec.data.npz import load_npz
from gravispec.data.stars import part_of_stars, training_mask
from gravispec.errors import InputError
from gravispec.labels import LABELS
from gravispec.models import model
from gravispec.models.pca import Pca
from gravispec.models.ridge import RidgeFit
from gravispec.spectra.nuisances import measured_pixels


class Rows:
    """Rows of a reader where ``keep`` (N,) holds: sized, and read block by block anew at every iteration."""

    def __init__(self, reader, keep):
        self.reader, self.keep = reader, keep

    def __len__(self):
        return int(self.keep.sum())

    def __iter__(self):
        return (rows for rows, _ in selected_rows(self.reader, self.keep))

    def with_labels(self, y):
        """The same with the rows of ``y`` (n,) or (n, T) beside them: chunks (X, y)."""
        return _Labelled(self, y)


class _Labelled:
    def __init__(self, rows, y):
        self.rows, self.y = rows, y

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        n = 0
        for X in self.rows:
            yield X, self.y[n : n + len(X)]
            n += len(X)


class Parts:
    """``train``, ``fit``, ``stop``, ``val`` of one kind of values; each is taken when it is asked for."""

    def __init__(self, take, keep, columns=()):
        self._take, self._keep, self.columns = take, keep, columns

    def __getattr__(self, part):
        if part not in ("train", "fit", "stop", "val"):
            raise AttributeError(part)
        return self._take(self._keep[part])


class StoredStars:
    """Stars of a data set at one noise level.

    files : ``{name: path or paths}`` of what the model reads: stars, wave, flux, sigma, experts, ridge, pca, other,
        other_model; ``features`` is a list in the order of the families
    families : their names
    """

    def __init__(self, files, *, families=()):
        self.files, self.families = files, families
        self.stars = pd.read_parquet(files["stars"])
        self._taken = {}

    @property
    def labels(self):
        """(N, 3) log_g, T_eff, M_H."""
        return self.stars[list(LABELS)].to_numpy(np.float64)

    def all(self, name):
        """Values of all stars, as an array or a reader; experts have none of training stars."""
        if name not in self._taken:
            self._taken[name] = self._all(name)
        return self._taken[name]

    def _all(self, name):
        if name == "flux":
            return RowReader(self.files["flux"])
        if name == "sigma":
            from gravispec.data.error_rows import ErrorRows  # whose imports take 0.4 s: only where errors are read

            return ErrorRows(self.files["sigma"], self.wave)
        if name == "features":
            return np.hstack(
                [self._features(*named) for named in zip(self.families, self.files["features"], strict=True)]
            )
        if name == "experts":
            return self._experts()
        return {"labels": self.labels, "stars": self.stars}[name]

    @property
    def wave(self):
        return np.load(self.files["wave"], allow_pickle=False)

    @property
    def columns(self):
        """Names of the features."""
        tables = zip(self.families, self.files["features"], strict=True)
        return [c for family, path in tables for c in feature_columns(path, family)]

    def record(self, name):
        """``ridge``, ``pca``, or the model ``other``."""
        if name == "other":
            return model.load(self.files["other_model"])
        return load_npz(self.files[name], {"ridge": RidgeFit, "pca": Pca}[name])

    def take(self, name, keep):
        """Values of the stars where ``keep`` (N,) holds; of flux and sigma what reads them block by block."""
        values = self.all(name)
        if name in ("flux", "sigma"):
            return Rows(values, keep)
        return values[keep]

    def parts(self, name, keep):
        """``Parts`` of the stars in ``keep``, ``{part: (N,) bool}``."""
        return Parts(lambda kept: self.take(name, kept), keep, self.columns if name == "features" else ())

    def blocks(self, asked, keep):
        """``{name: values}`` of what ``asked`` names, block by block, for the stars in ``keep``."""
        index = np.flatnonzero(keep)
        other = _columns_of(self.files["other"]) if "other" in asked else {}
        fit = self.record("ridge") if "ridge" in asked else None
        first = np.flatnonzero(self.stars["split"] != "train")[0] if "other" in asked else 0
        for lo, hi in blocks(0, len(index)):
            rows, found = index[lo:hi], {}
            flux = self.all("flux")[rows] if {"flux", "ridge"} & set(asked) else None
            for name in asked:
                if name == "flux":
                    found[name] = flux
                elif name == "ridge":
                    found[name] = fit.predict(flux)
                elif name == "other":
                    found[name] = {column: values[rows - first] for column, values in other.items()}
                elif name == "wave":
                    found[name] = self.wave
                elif name == "measured":
                    found[name] = measured_pixels(self.stars.iloc[rows], self.wave)
                elif name == "stars":
                    found[name] = self.stars.iloc[rows]
                else:
                    found[name] = self.all(name)[rows]
            yield found

    def _features(self, family, path):
        table = pd.read_parquet(path)
        if not table["star_id"].equals(self.stars["star_id"]):
            raise InputError(f"{path}: features of other stars; delete it and rerun")
        return feature_matrix(table, family).astype(np.float32)

    def _experts(self):
        """(N, K, T), NaN for training stars."""
        table = pd.read_parquet(self.files["experts"])
        others = (self.stars["split"] != "train").to_numpy()
        if table["star_id"].tolist() != self.stars.loc[others, "star_id"].tolist():
            raise InputError(
                f"{self.files['experts']}: the experts' predictions are of other stars; delete it and rerun"
            )
        n_experts = sum(c.startswith("expert_") and c[7:].isdigit() for c in table)
        suffixes = ["" if label == "log_g" else f"_{label}" for label in LABELS]
        values = [[table[f"expert_{k}{suffix}"] for suffix in suffixes] for k in range(n_experts)]
        found = np.full((len(self.stars), n_experts, len(LABELS)), np.nan)
        found[others] = np.array(values).transpose(2, 0, 1)
        return found


def fit_inputs(asked, stored, *, n_train, validation, context):
    """What a ``fit`` asks for by these names: ``{argument: value}``.

    ``validation``: fractions ``fit`` and ``stop`` of the validation stars, and ``n_val``; ``context``: bins, seed,
    device, threads, forward.
    """
    part = part_of_stars(stored.stars, fit=validation["fit"], stop=validation["stop"])
    keep = {name: part == name for name in ("fit", "stop")}
    keep["train"] = training_mask(stored.stars, n_train)
    seen = keep["fit"] | keep["stop"]
    keep["val"] = seen & (np.cumsum(seen) <= validation["n_val"])
    context, found = {**context, "n_train": n_train}, {}
    for name in asked:
        if name in context:
            found[name] = context[name]
        elif name == "wave":
            found[name] = stored.wave
        elif name in ("ridge", "pca", "other"):
            found[name] = stored.record(name)
        else:
            found[name] = stored.parts(name, keep)
    return found


def feature_columns(path, family):
    """Names of the columns of a family in its table."""
    import pyarrow.parquet as pq

    return [name for name in pq.read_schema(path).names if name.startswith(f"{family}_")]


def _columns_of(path):
    """``{column: (n,) or (n, K)}`` of a table of predictions: ``w_0``, ``w_1``, ... are one."""
    table, found = pd.read_parquet(path), {}
    for name in table.columns.drop(["star_id", "split"]):
        stem, _, number = name.rpartition("_")
        if number.isdigit():
            found.setdefault(stem, []).append(table[name].to_numpy())
        else:
            found[name] = table[name].to_numpy()
    return {name: np.stack(v, axis=1) if isinstance(v, list) else v for name, v in found.items()}
