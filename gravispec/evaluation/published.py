"""What the source experiments published on BOSZ-based spectra of their own: for comparison in tables, never ours."""

from pathlib import Path

import numpy as np
import pandas as pd

#: experiment and names, in the published table, of the models of the noise sweep, all on all test stars
PUBLISHED_AS = {
    "ridge": ("baseline", ["Ridge"]),
    "lightgbm": ("baseline", ["LightGBM"]),
    "global_tower": ("global_tower", ["GlobalFeatureMLP F1F2F3F4"]),
    "moe_mlp": ("moe", ["full coverage edge-clamp", "Soft-gate MoE"]),
}


def published_results():
    """Table with columns experiment, model, noise_level, n_train, n_test, metric, value."""
    return pd.read_csv(Path(__file__).with_name("published_results.csv"), comment="#")


def published_per_bin():
    """Table with a row a bin of the mixture of experts: R² and ΔR² of the gates for 32,000 and 100,000 stars."""
    return pd.read_csv(Path(__file__).with_name("published_per_bin.csv"), comment="#")


#: columns of our tables, and the column of the published table each comes from
PUBLISHED_COLUMNS = {
    "published_bosz_r2": "value",
    "published_bosz_model": "model",
    "published_bosz_n_train": "n_train",
    "published_bosz_n_test": "n_test",
}


def published_r2(model, noise_level, n_train):
    """``{column: value}`` of ``PUBLISHED_COLUMNS`` for a model of the noise sweep; None where nothing was published.

    Where several training sizes were published, the one nearest to ``n_train`` counts.
    """
    experiment, names = PUBLISHED_AS.get(model, (None, []))
    table = published_results()
    rows = table[
        (table["experiment"] == experiment)
        & table["model"].isin(names)
        & np.isclose(table["noise_level"], noise_level)
        & (table["metric"] == "R2_test")
    ]
    if rows.empty:
        return dict.fromkeys(PUBLISHED_COLUMNS)
    nearest = rows.loc[(rows["n_train"] - n_train).abs().idxmin()]
    return {ours: nearest[theirs] for ours, theirs in PUBLISHED_COLUMNS.items()}
