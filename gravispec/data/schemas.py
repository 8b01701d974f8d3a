"""What the tables of a run have to be: columns, ranges of values, no star twice, where a number may be missing and why.

A pandera schema a table, by the name under which the rule ``validate`` reads it. Other columns are allowed; those of
models are known by what is beside them, not by name. The metadata of a schema has ``empty``, ``{columns: Empty}``, with
columns a regular expression: every number of the others has to be finite; and ``given``: why columns are not computed
again from other tables (``gravispec.evaluation.recompute``), ``{column: reason}``, ``"*"`` for all others.
"""

import numpy as np
import pandas as pd
from pandera.pandas import Check

from gravispec.data.table_schema import (
    Empty,
    all_or_none,
    few,
    no_difference,
    no_star,
    not_given,
    predicted,
    rises,
    table_schema,
)
from gravispec.evaluation.cells import MIN_STARS
from gravispec.models.flags import OF_SPECTRUM


def _weights_add_up(table):
    weights = table.filter(regex=r"^w_\d+$")
    right = weights.isna().all(axis=1) if weights.shape[1] else pd.Series(True, index=table.index)
    return right | (np.abs(weights.sum(axis=1, skipna=False) - 1) < 1e-4)


ANY = (-np.inf, np.inf)
R2 = (-np.inf, 1)
COUNT = (1, np.inf)
COUNT_OR_0 = (0, np.inf)
SHARE = (0, 1)
LEVEL = {"noise_level": (0, 10)}
CELL = {**LEVEL, "n_train": COUNT}
STARS = {"stars": ("covered", "all")}
GROUP = {"by": None, "bin": COUNT_OR_0, "low": ANY, "high": ANY}  # of stars, all or in a bin
STAR = {"star_id": None, "split": ("train", "val", "test")}
LABELS = {"T_eff": (1000, 100_000), "log_g": (-3, 10), "M_H": (-10, 3)}
ABUNDANCES = {"a_M": ANY, "C_M": ANY}  # 0 where they are not known
OF_STAR = {**CELL, **STAR, "part": ("fit", "stop", "calibration", "test"), **LABELS, **ABUNDANCES}
OF_STAR |= {"mag": ANY, "snr": COUNT_OR_0, "bin": (-1, np.inf), "snr_measured": ANY, "chi2": COUNT_OR_0}
INTERVAL = {"ci_low": ANY, "ci_high": ANY}
STATISTICS = {"bias": ANY, "scatter": COUNT_OR_0, "r2": R2, "coverage95": SHARE}
CHANGES = {f"{s}{end}": ANY for s in STATISTICS for end in ("_change", "_ci_low", "_ci_high")}
SHARES = dict.fromkeys(("flagged", *map(str.lower, OF_SPECTRUM)), SHARE)

SEEN_BY_CHECKSUM = "make verify compares its checksum"
SPECTRA = {"*": f"measured on spectra; {SEEN_BY_CHECKSUM}"}
LIMITS = dict.fromkeys(
    ("bias_ci_low", "bias_ci_high", "scatter_ci_low", "scatter_ci_high"),
    f"medians of so many resamples take longer than all other tables together; {SEEN_BY_CHECKSUM}",
)
ALL_STARS = {"low|high|median": Empty("a row of all stars has no limits", lambda table, column: table["by"] == "all")}
UNPREDICTED = Empty("the model predicts nothing of the star", lambda table, column: table["log_g"].isna())
NOT_DONE = Empty("the stress was not done", lambda table, column: table["not_done"].notna())
FEW = f"fewer than {MIN_STARS} stars in the bin"


def _changes(table):
    """Every change is against the row ``none`` of the model, on the same stars; shares are of n_test stars."""
    none = table[table["stress"] == "none"].set_index(["noise_level", "model"])
    here = pd.MultiIndex.from_frame(table[["noise_level", "model"]])
    right = pd.Series(here.isin(none.index) & here.isin(none.index[~none.index.duplicated(keep=False)]), table.index)
    for s in STATISTICS:
        reference = none[s][~none.index.duplicated()].reindex(here).to_numpy()
        rounded = 1e-7 * (table[s].abs() + np.abs(reference)).fillna(0)  # both have eight digits
        off = (table[f"{s}_change"] - (table[s] - reference)).abs()
        right &= table[s].isna() | (off <= 1e-9 + rounded)
        right &= table[f"{s}_ci_low"].isna() | (table[f"{s}_ci_low"] <= table[f"{s}_ci_high"])
    for share in ("coverage95", *SHARES):
        stars = table[share] * table["n_test"]
        right &= stars.isna() | (np.abs(stars - stars.round()) < 1e-3)
    return right


def _coverage(**others):
    """Of a table of coverages of groups of stars, with ``others``: columns and their ranges."""
    return table_schema(
        {**LEVEL, "model": None, "label": None, "nominal": SHARE, **GROUP, "n_test": COUNT, "coverage": SHARE}
        | {"band_low": SHARE, "band_high": SHARE, **others},
        rises("band_low", "band_high"),
        empty=ALL_STARS,
        key=["noise_level", "model", "label", "nominal", "by", "bin"],
    )


SCHEMAS = {
    "stars": table_schema(
        {**STAR, **LABELS, **ABUNDANCES, "mag": ANY, "redshift": ANY, "snr": COUNT_OR_0},
        empty={"mag|redshift": Empty("the user's file has none", not_given)},
        given={"snr": f"of the clean spectrum; {SEEN_BY_CHECKSUM}"},
        key=["star_id"],
        optional=("mag", "redshift"),
    ),
    "features": table_schema(STAR, given=SPECTRA, key=["star_id"]),
    "quality": table_schema(STAR, given=SPECTRA, key=["star_id"]),
    "experts": table_schema({**STAR, "expert_0": ANY}, key=["star_id"]),
    "model_predictions": table_schema(
        {**STAR, "log_g": ANY, "T_eff": ANY, "M_H": ANY},
        Check(_weights_add_up, name="the weights of experts to add up to 1"),
        empty={"(?!star_id$|split$).*": UNPREDICTED},
        given={"of slow models": f"predicting again would take too long; {SEEN_BY_CHECKSUM}"},
        key=["star_id"],
    ),
    "predictions": table_schema(
        {**OF_STAR, "uncovered": None, "edge": None},
        empty={  # magnitudes are compared with those of the table of stars
            "mag": Empty("the user's file has none", lambda table, column: table["mag"].isna()),
            f"(?!({'|'.join(OF_STAR)})$).*": Empty(
                "the model is not in the cell, or predicts only stars inside the bins",
                all_or_none("noise_level", "n_train", "uncovered"),
            ),
        },
        key=["noise_level", "n_train", "star_id"],
    ),
    "samples": table_schema(
        {"resample": COUNT_OR_0, **CELL, **STARS, "model": None, "r2": R2, "rmse": COUNT_OR_0},
        key=["resample", "noise_level", "n_train", "stars", "model"],
    ),
    "bootstrap": table_schema(
        {**CELL, **STARS, "comparison": None, "n_test": COUNT, "delta_r2": ANY, **INTERVAL}
        | {"fraction_positive": SHARE, "resamples": COUNT},
        rises("ci_low", "ci_high"),
        key=["noise_level", "n_train", "stars", "comparison"],
    ),
    "per_bin": table_schema(
        {**CELL, "bin": COUNT_OR_0, "name": None, "model": None, "n_test": COUNT_OR_0, "r2": R2, **INTERVAL},
        rises("ci_low", "ci_high"),
        empty={
            "r2": Empty(FEW, few),
            "delta_r2_vs_.*|ci_low|ci_high": Empty(f"{FEW}, or no other model to compare with", no_difference),
        },
        key=["noise_level", "n_train", "bin", "model"],
    ),
    "by_snr": table_schema(
        {**CELL, "model": None, "snr_low": COUNT_OR_0, "snr_high": COUNT_OR_0, "n_test": COUNT, "r2": R2}
        | {"r2_ci_low": R2, "r2_ci_high": R2},
        rises("r2_ci_low", "r2_ci_high"),
        empty={"r2|r2_ci_low|r2_ci_high": Empty(FEW, few)},
        key=["noise_level", "n_train", "model", "snr_low"],
    ),
    "hypotheses": table_schema(
        {"id": None, "statement": None, **CELL, **STARS, "measured": ANY, "threshold": ANY, "passed": None}
        | {"n_test": COUNT},
        key=["id", "noise_level", "n_train", "stars"],
    ),
    "training_curves": table_schema(
        {**CELL, "model": None, "seed": COUNT_OR_0, "epoch": COUNT, "fit": ANY, "stop": ANY, "loss": None},
        empty={"seed|fit|stop|loss": Empty("its fit writes none", all_or_none("noise_level", "n_train", "model"))},
        key=["noise_level", "n_train", "model", "seed", "epoch"],
    ),
    "calibrations": table_schema(
        {"value": ANY, "text": None},
        empty={"value": Empty("it is a text", lambda table, column: table["text"] != "")},
    ),
    "calibration": _coverage(half_width=COUNT_OR_0),
    "posteriors": _coverage(pull_mean=ANY, pull_std=COUNT_OR_0, uniform_p=SHARE),
    "residuals": table_schema(
        {**LEVEL, "model": None, "label": None, **GROUP, "median": ANY, "n_test": COUNT}
        | {**dict.fromkeys(LIMITS, ANY), "bias": ANY, "scatter": COUNT_OR_0, "outliers": SHARE},
        rises("bias_ci_low", "bias", "bias_ci_high"),
        rises("scatter_ci_low", "scatter_ci_high"),
        empty=ALL_STARS,
        given=LIMITS,
        key=["noise_level", "model", "label", "by", "bin"],
    ),
    "giants_dwarfs": table_schema(
        {**LEVEL, "model": None, "true": ("giant", "dwarf"), "n_test": COUNT_OR_0}
        | dict.fromkeys(("predicted_giant", "predicted_dwarf"), COUNT_OR_0),
        empty={"completeness.*": no_star(lambda table: table["n_test"]), "contamination.*": no_star(predicted)},
        key=["noise_level", "model", "true"],
    ),
    "stress": table_schema(
        {**LEVEL, "model": None, "stress": None, "n_test": COUNT, **STATISTICS, **CHANGES, **SHARES}
        | {"coverage95_unflagged": SHARE, "not_done": None},
        Check(_changes, name="changes against the row none, low ≤ high, and shares of n_test stars"),
        empty={
            "not_done": Empty("the stress was done", lambda table, column: table["bias"].notna()),
            "coverage95_unflagged": Empty(
                "the stress was not done, or every star is flagged",
                lambda table, column: table["not_done"].notna() | (table["flagged"] == 1),
            ),
            "|".join((*STATISTICS, *CHANGES, *SHARES)): NOT_DONE,
        },
        given={"*": f"of perturbed clean spectra, which are not read here; {SEEN_BY_CHECKSUM}"},
        key=["noise_level", "model", "stress"],
    ),
}
