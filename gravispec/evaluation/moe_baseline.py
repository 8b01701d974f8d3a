"""The hypothesis MoE > LightGBM: both at one noise level, on the same test stars, with paired intervals."""

import pandas as pd

from gravispec.evaluation.bootstrap import compare, r2_resamples
from gravispec.evaluation.metrics import scores
from gravispec.evaluation.same_stars import side_by_side
from gravispec.evaluation.tables import test_stars


def moe_table(rows, gate="mlp"):
    """star_id, log_g, snr, predicted of rows of a run's predictions, by the mixture with this gate."""
    return rows[["star_id", "log_g", "snr"]].assign(predicted=rows[gate])


def moe_against(
    moe, baseline, *, name, noise_level, n_train, n_train_baseline, gate="mlp", resamples, seed, confidence
):
    """Two rows, for the covered and for all test stars: R² of the mixture and of the baseline, ΔR² with its interval.

    ``moe``: predictions of a run (``mixture.predictions_table``); ``baseline``: table of star_id, log_g, snr, predicted
    on its test stars, of the model ``name``, at the same noise level. The training sizes of both stand in the table.
    ``passed``: the lower limit of ΔR² is above 0. Raises ``InputError`` where the test stars differ.
    """
    covered, every = test_stars(moe)
    both = side_by_side({"moe": moe_table(every, gate), name: baseline}).set_index("star_id")
    rows = []
    for stars, ids in (("covered", covered["star_id"]), ("all", every["star_id"])):
        pair = both.loc[ids, ["moe", name]]
        log_g = both.loc[ids, "log_g"]
        samples = r2_resamples(log_g, pair, resamples=resamples, seed=seed)
        difference = compare(samples, log_g, pair, [("moe", name)], confidence=confidence).iloc[0]
        rows.append(
            {
                "statement": f"lower limit of ΔR²({gate} gate - {name}) is above 0",
                "noise_level": noise_level,
                "n_train_moe": n_train,
                f"n_train_{name}": n_train_baseline,
                "stars": stars,
                "n_test": len(ids),
                "r2_moe": scores(log_g, pair["moe"])["r2"],
                f"r2_{name}": scores(log_g, pair[name])["r2"],
                **difference[["delta_r2", "ci_low", "ci_high"]],
                "passed": difference["ci_low"] > 0,
            }
        )
    return pd.DataFrame(rows)
