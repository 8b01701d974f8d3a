"""What the tables of a run have to be: columns, ranges of values, no star twice.

A pandera schema a table, by the name under which the rule ``validate`` reads it. Other columns are allowed; the numbers
in them have to be finite, too, but for the columns in the schema's metadata ``may_be_empty``.
"""

import numpy as np
import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from gravispec.models.flags import OF_SPECTRUM

GATES = ("classify", "mlp", "linear")


def _table(columns, *checks, may_be_empty=(), key=None):
    """A schema; ``columns``: name and range (low, high), or name and the allowed texts, or name and None for any."""
    found = {}
    for name, allowed in columns.items():
        if allowed is None:
            check = None
        elif isinstance(allowed[0], str):
            check = Check.isin(allowed)
        else:
            check = Check.in_range(*allowed)
        found[name] = Column(checks=check, nullable=name in may_be_empty)
    return DataFrameSchema(found, checks=list(checks), unique=key, metadata={"may_be_empty": may_be_empty})


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
OPTIONAL = ("mag", "redshift")  # labels of a user's stars
MODELS = ("oracle", "global_ridge", "hard", "classify", "linear", "mlp", "mlp_fallback")
ENDS = ["", "_change", "_ci_low", "_ci_high"]
INTERVAL = {"ci_low": ANY, "ci_high": ANY}
R2_INTERVAL = {"r2_ci_low": R2, "r2_ci_high": R2}
IN_ORDER, R2_IN_ORDER = _rising("ci_low", "ci_high"), _rising("r2_ci_low", "r2_ci_high")
DIFFERENCE = {"comparison": None, "n_test": COUNT, "delta_r2": ANY, **INTERVAL, "fraction_positive": SHARE}
STRESS_SHARES = ("flagged", *(name.lower() for name in OF_SPECTRUM), "coverage95_unflagged")

SCHEMAS = {
    "stars": _table({**STAR, **LABELS, **ABUNDANCES, "snr": (0, np.inf)}, may_be_empty=OPTIONAL, key=["star_id"]),
    "features": _table(STAR, key=["star_id"]),
    "expert_predictions": _table({**STAR, "global_ridge": ANY}, key=["star_id"]),
    "predictions": _table(
        {**STAR, **LABELS, **ABUNDANCES, "bin": (-1, np.inf), **dict.fromkeys(MODELS, ANY)}
        | {"uncovered": None, "edge": None},
        Check(_weights_add_up, name="the weights of a gate to add up to 1"),
        may_be_empty=(*OPTIONAL, "oracle"),
        key=["star_id"],
    ),
    "gate_curves": _table({"epoch": COUNT, "fit_mse": (0, np.inf), "stop_mse": (0, np.inf)}, key=["epoch"]),
    "bootstrap": _table({**DIFFERENCE, "resamples": COUNT}, IN_ORDER, key=["comparison"]),
    "samples": _table(
        {"resample": (0, np.inf), "stars": ("covered", "all"), "model": None, "r2": R2},
        key=["resample", "stars", "model"],
    ),
    "per_bin": _table(
        {"bin": (0, np.inf), "model": None, "n_test": (0, np.inf), "r2": R2},
        IN_ORDER,
        may_be_empty=("r2", "delta_r2_vs_classify", "ci_low", "ci_high"),
        key=["bin", "model"],
    ),
    "hypotheses": _table(
        {"id": None, "statement": None, "measured": ANY, "threshold": ANY, "passed": None, "n_test": COUNT}, key=["id"]
    ),
    "calibration": _table(
        {"label": None, "nominal": SHARE, "by": None, "bin": (0, np.inf), "n_test": COUNT, "coverage": SHARE}
        | {"band_low": SHARE, "band_high": SHARE, "half_width": (0, np.inf)},
        _rising("band_low", "band_high"),
        may_be_empty=("low", "high"),
        key=["label", "nominal", "by", "bin"],
    ),
    "residuals": _table(
        {"label": None, "by": None, "bin": (0, np.inf), "n_test": COUNT, "bias": ANY, "scatter": (0, np.inf)}
        | {"outliers": SHARE},
        _rising("bias_ci_low", "bias_ci_high"),
        may_be_empty=("low", "high", "median"),
        key=["label", "by", "bin"],
    ),
    "giants_dwarfs": _table(
        {"true": ("giant", "dwarf"), "n_test": (0, np.inf)},
        may_be_empty=[f"{share}{end}" for share in ("completeness", "contamination") for end in ENDS[:1] + ENDS[2:]],
        key=["true"],
    ),
    "stress": _table(
        {"stress": None, "n_test": COUNT, **dict.fromkeys(STRESS_SHARES, SHARE)},
        may_be_empty=[f"{s}{end}" for s in ("bias", "scatter", "r2", "coverage95") for end in ENDS]
        + [*STRESS_SHARES, "not_done"],
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
        {"star_id": None, "log_g": LABELS["log_g"], "snr": (0, np.inf), "predicted": ANY}, key=["star_id"]
    ),
    "tower_predictions": _table({**STAR, "log_g": LABELS["log_g"], "ridge": ANY}, key=["star_id"]),
    "tower_curves": _table(
        {"seed": (0, np.inf), "epoch": COUNT, "train_l1": (0, np.inf), "val_l1": (0, np.inf)}, key=["seed", "epoch"]
    ),
    "ablation": _table(
        {**DIFFERENCE, "added": None, "noise_level": (0, 10), "resamples": COUNT},
        IN_ORDER,
        may_be_empty=("delta_r2_std",),
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
        may_be_empty=("r2", "r2_ci_low", "r2_ci_high"),
        key=["noise_level", "model", "snr_low"],
    ),
}
