"""Scores of baselines, on the same test stars as the models of a run."""

from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.metrics import scores


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
