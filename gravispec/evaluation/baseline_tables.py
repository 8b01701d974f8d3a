"""Scores of baselines, on the same test stars as the models of a run."""

import pandas as pd

from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.metrics import scores
from gravispec.models.bins import UNCOVERED, assign


def baseline_rows(names, predictions, covered, *, resamples, seed, confidence):
    """A row for the covered test stars and one for all; ``names`` starts each.

    ``predictions``: star_id, log_g, predicted of the test stars; ``covered``: the ids of the covered stars.
    """
    rows = []
    for which, stars in (("covered", predictions[predictions["star_id"].isin(covered)]), ("all", predictions)):
        samples = r2_resamples(stars["log_g"], stars[["predicted"]], resamples=resamples, seed=seed)
        low, high = interval(samples["predicted"], confidence)
        score = scores(stars["log_g"], stars["predicted"])
        rows.append({**names, "stars": which, **score, "r2_ci_low": low, "r2_ci_high": high})
    return rows


def baseline_table(stars, predictions, baselines, *, n_train, edges, **bootstrap):
    """`baseline_rows` of every baseline; ``predictions``: their tables; ``baselines``: dicts of baseline, level."""
    covered = set(stars.loc[assign(stars["T_eff"], stars["M_H"], **edges) != UNCOVERED, "star_id"])
    rows = []
    for about, table in zip(baselines, predictions, strict=True):
        names = {"baseline": about["baseline"], "noise_level": about["level"], "n_train": n_train}
        rows += baseline_rows(names, table, covered, **bootstrap)
    return pd.DataFrame(rows)
