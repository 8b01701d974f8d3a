"""What the tables of a run have to be: columns, ranges of values, no star twice, where a number may be missing and why.

A pandera schema a table, by the name under which the rule ``validate`` reads it. Other columns are allowed. Its
metadata has ``empty``, ``{column: Empty}``: every number of the others has to be finite; and ``given``: why columns are
not computed again from other tables (``gravispec.evaluation.recompute``), ``{column: reason}``, ``"*"`` for all others.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from gravispec.evaluation.metrics import MIN_STARS

GATES = ("classify", "mlp", "linear")
OPTIONAL = ("mag", "redshift")  # labels of a user's stars


@dataclass(frozen=True)
class Empty:
    """Where a column is empty: ``where(table)`` (N,) bool, and the reason in words."""

    reason: str
    where: Callable


def _empty(columns, reason, where):
    return dict.fromkeys(columns, Empty(reason, where))


def _table(columns, *checks, empty=None, given=None, key=None):
    """A schema; ``columns``: name and range (low, high), or name and the allowed texts, or name and None for any."""
    found = {}
    for name, allowed in columns.items():
        if allowed is None:
            check = None
        elif isinstance(allowed[0], str):
            check = Check.isin(allowed)
        else:
            check = Check.in_range(*allowed)
        found[name] = Column(checks=check, nullable=name in (empty or {}))
    for name in empty or {}:
        found.setdefault(name, Column(nullable=True, required=name not in OPTIONAL))
    numbers = [name for name, allowed in columns.items() if allowed and not isinstance(allowed[0], str)]
    about = {"empty": empty or {}, "given": given or {}, "numbers": numbers}
    return DataFrameSchema(found, checks=list(checks), unique=key, metadata=about)


def _rising(*columns):
    def rising(table):
        values = table[list(columns)].to_numpy()
        in_order = np.isnan(values) | (np.diff(values, prepend=-np.inf, axis=1) >= 0)
        return pd.Series(in_order.all(axis=1), index=table.index)

    return Check(rising, name=" ≤ ".join(columns))


def _weights_add_up(table):
    sums = [table.filter(regex=rf"^w_{gate}_\d+$").sum(axis=1) for gate in GATES]
    return pd.Series((np.abs(np.subtract(sums, 1)) < 1e-4).all(axis=0), index=table.index)


ANY = (-np.inf, np.inf)
R2 = (-np.inf, 1)
COUNT = (1, np.inf)
SHARE = (0, 1)
STAR = {"star_id": None, "split": ("train", "val", "test")}
LABELS = {"T_eff": (1000, 100_000), "log_g": (-3, 10), "M_H": (-10, 3)}
ABUNDANCES = {"a_M": ANY, "C_M": ANY}  # 0 where they are not known
MODELS = ("oracle", "global_ridge", "hard", "classify", "linear", "mlp", "mlp_fallback")
ENDS = ["", "_change", "_ci_low", "_ci_high"]
INTERVAL = {"ci_low": ANY, "ci_high": ANY}
R2_INTERVAL = {"r2_ci_low": R2, "r2_ci_high": R2}
IN_ORDER, R2_IN_ORDER = _rising("ci_low", "ci_high"), _rising("r2_ci_low", "r2_ci_high")
DIFFERENCE = {"comparison": None, "n_test": COUNT, "delta_r2": ANY, **INTERVAL, "fraction_positive": SHARE}


def _fewer(table):
    return table["n_test"] < MIN_STARS


def _not_given(column):
    """Where a user's star lacks an optional label; stars that are drawn have them all, but for the redshift."""
    return {column: Empty("the user's file has none", lambda table: table[column].isna() & ("redshift" in table))}


SEEN_BY_CHECKSUM = "make verify compares its checksum"
SPECTRA = {"*": f"measured on spectra; {SEEN_BY_CHECKSUM}"}
TRAINING = f"written while it was trained; {SEEN_BY_CHECKSUM}"
ALL_STARS = "a row of all stars has no limits"
DONE = [f"{s}{end}" for s in ("bias", "scatter", "r2", "coverage95") for end in ENDS] + ["unlike_training"]


def _all_empty(table, column):
    return pd.Series(table[column].isna().all(), index=table.index)


def _share(name, total):
    """Where there is no star to take a share of: ``total(table)`` is 0."""
    columns = [f"{name}{end}" for end in ("", "_ci_low", "_ci_high")]
    return _empty(columns, "no star to take a share of", lambda table: total(table) == 0)


def _predicted(table):
    """Stars predicted as what the row is about."""
    counts = (table[f"predicted_{kind}"].where(table["true"] == kind, 0) for kind in ("giant", "dwarf"))
    return sum(counts)


def _changes(table):
    """Every change is against the row ``none``, on the same stars; shares are of n_test stars."""
    none = table.loc[table["stress"] == "none", DONE]
    right = pd.Series(len(none) == 1, index=table.index)
    for s in ("bias", "scatter", "r2", "coverage95"):
        reference = none[s].iloc[0] if len(none) else np.nan
        rounded = 1e-7 * (table[s].abs() + abs(reference)).fillna(0)  # both have eight digits
        off = (table[f"{s}_change"] - (table[s] - reference)).abs()
        right &= table[s].isna() | (off <= 1e-9 + rounded)
        right &= table[f"{s}_ci_low"].isna() | (table[f"{s}_ci_low"] <= table[f"{s}_ci_high"])
    for share in ("coverage95", "unlike_training"):
        stars = table[share] * table["n_test"]
        right &= stars.isna() | (np.abs(stars - stars.round()) < 1e-3)
    return right


SCHEMAS = {
    "stars": _table(
        {**STAR, **LABELS, **ABUNDANCES, "snr": (0, np.inf)},
        empty=_not_given("mag") | _not_given("redshift"),
        given={"snr": f"of the clean spectrum; {SEEN_BY_CHECKSUM}"},
        key=["star_id"],
    ),
    "features": _table(STAR, given=SPECTRA, key=["star_id"]),
    "expert_predictions": _table({**STAR, "global_ridge": ANY}, key=["star_id"]),
    "predictions": _table(
        {**STAR, **LABELS, **ABUNDANCES, "bin": (-1, np.inf), **dict.fromkeys(MODELS, ANY)}
        | {"uncovered": None, "edge": None},
        Check(_weights_add_up, name="the weights of a gate to add up to 1"),
        empty=_empty(["mag"], "the table of stars has none", lambda table: table["mag"].isna())  # compared with it
        | _empty(["oracle"], "the star is in no bin", lambda table: table["uncovered"].astype(bool)),
        key=["star_id"],
    ),
    "gate_curves": _table(
        {"epoch": COUNT, "fit_mse": (0, np.inf), "stop_mse": (0, np.inf)},
        Check(lambda table: table["epoch"] == np.arange(1, len(table) + 1), name="epochs 1, 2, 3 …"),
        given={"*": TRAINING},
        key=["epoch"],
    ),
    "bootstrap": _table({**DIFFERENCE, "resamples": COUNT}, IN_ORDER, key=["comparison"]),
    "samples": _table(
        {"resample": (0, np.inf), "stars": ("covered", "all"), "model": None, "r2": R2},
        key=["resample", "stars", "model"],
    ),
    "per_bin": _table(
        {"bin": (0, np.inf), "model": None, "n_test": (0, np.inf), "r2": R2},
        IN_ORDER,
        empty=_empty(["r2"], f"fewer than {MIN_STARS} stars in the bin", _fewer)
        | _empty(
            ("delta_r2_vs_classify", "ci_low", "ci_high"),
            f"fewer than {MIN_STARS} stars in the bin, or the classify gate itself",
            lambda table: _fewer(table) | (table["model"] == "classify"),
        ),
        key=["bin", "model"],
    ),
    "hypotheses": _table(
        {"id": None, "statement": None, "measured": ANY, "threshold": ANY, "passed": None, "n_test": COUNT}, key=["id"]
    ),
    "calibration": _table(
        {"label": None, "nominal": SHARE, "by": None, "bin": (0, np.inf), "n_test": COUNT, "coverage": SHARE}
        | {"band_low": SHARE, "band_high": SHARE, "half_width": (0, np.inf)},
        _rising("band_low", "band_high"),
        empty=_empty(("low", "high"), ALL_STARS, lambda table: table["by"] == "all"),
        key=["label", "nominal", "by", "bin"],
    ),
    "residuals": _table(
        {"label": None, "by": None, "bin": (0, np.inf), "n_test": COUNT, "bias": ANY, "scatter": (0, np.inf)}
        | {"outliers": SHARE},
        _rising("bias_ci_low", "bias_ci_high"),
        empty=_empty(("low", "high", "median"), ALL_STARS, lambda table: table["by"] == "all"),
        key=["label", "by", "bin"],
    ),
    "giants_dwarfs": _table(
        {"true": ("giant", "dwarf"), "n_test": (0, np.inf)}
        | dict.fromkeys(("predicted_giant", "predicted_dwarf"), (0, np.inf)),
        empty=_share("completeness", lambda table: table["n_test"]) | _share("contamination", _predicted),
        key=["true"],
    ),
    "stress": _table(
        {"stress": None, "n_test": COUNT, "scatter": (0, np.inf), "coverage95": SHARE, "unlike_training": SHARE},
        Check(_changes, name="changes against the row none, low ≤ high, and shares of n_test stars"),
        empty=_empty(DONE, "the stress was not done", lambda table: table["not_done"].notna())
        | _empty(["not_done"], "the stress was done", lambda table: table["bias"].notna()),
        given={"*": f"of perturbed clean spectra, which are not read here; {SEEN_BY_CHECKSUM}"},
        key=["stress"],
    ),
    "baselines": _table(
        {"baseline": None, "noise_level": (0, 10), "stars": ("covered", "all"), "n_test": COUNT, "r2": R2}
        | R2_INTERVAL
        | {"mae": (0, np.inf), "rmse": (0, np.inf)},
        R2_IN_ORDER,
        key=["baseline", "noise_level", "stars"],
    ),
    "baseline_predictions": _table(
        {"star_id": None, "log_g": LABELS["log_g"], "snr": (0, np.inf), "predicted": ANY},
        given={"predicted": f"by a model that is not kept; {SEEN_BY_CHECKSUM}"},
        key=["star_id"],
    ),
    "tower_predictions": _table({**STAR, "log_g": LABELS["log_g"], "ridge": ANY}, key=["star_id"]),
    "tower_curves": _table(
        {"seed": (0, np.inf), "epoch": COUNT, "train_l1": (0, np.inf), "val_l1": (0, np.inf)}, key=["seed", "epoch"]
    ),
    "ablation": _table(
        {**DIFFERENCE, "added": None, "noise_level": (0, 10), "resamples": COUNT},
        IN_ORDER,
        empty=_empty(["delta_r2_std"], "towers of one seed", lambda table: _all_empty(table, "delta_r2_std")),
        key=["noise_level", "mode", "comparison"],
    ),
    "sweep_predictions": _table(
        {"star_id": None, "noise_level": (0, 10), "log_g": LABELS["log_g"], "snr": (0, np.inf), "ridge": ANY},
        key=["star_id", "noise_level"],
    ),
    "sweep_samples": _table({"noise_level": (0, 10), "ridge": R2, "moe_mlp": R2}),
    "differences": _table({**DIFFERENCE, "noise_level": (0, 10)}, IN_ORDER, key=["noise_level", "comparison"]),
    "by_snr": _table(
        {"noise_level": (0, 10), "model": None, "snr_low": (0, np.inf), "n_test": COUNT, "r2": R2, **R2_INTERVAL},
        R2_IN_ORDER,
        empty=_empty(("r2", "r2_ci_low", "r2_ci_high"), f"fewer than {MIN_STARS} stars in the bin", _fewer),
        key=["noise_level", "model", "snr_low"],
    ),
}
