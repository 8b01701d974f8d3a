"""The claims of a run as measured in its cells, pass or fail."""

from operator import ge, le

import pandas as pd

from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import samples_of
from gravispec.evaluation.cells import cells
from gravispec.evaluation.differences import difference

NAMES = {"r2": "R²", "mae": "MAE (dex)", "rmse": "RMSE (dex)"}


def hypotheses(predictions, models, run, *, samples, confidence):
    """A row a claim and cell where it applies; the statement is made from the claim where it has none.

    Raises ``InputError`` for a claim that applies nowhere.
    """
    measured, rows = cells(predictions, models), []
    for name, claim in run["hypotheses"].items():
        wanted = claim["difference"] or [claim["model"]]
        there = [cell for cell in measured if all(claim[key] in (None, value) for key, value in cell.key.items())]
        found = [cell for cell in there if set(wanted) <= set(cell.models)]
        if not found:
            raise InputError(
                f"hypotheses.{name}: {' and '.join(wanted)} predict no stars {claim['stars']!r} where it is claimed; "
                "change its stars, noise_level or n_train"
            )
        for cell in found:
            row = {"id": name, "statement": claim["statement"] or _statement(claim, models), **cell.key}
            rows.append(row | _verdict(claim, cell, samples, confidence) | {"n_test": len(cell.rows)})
    columns = ["id", "statement", "noise_level", "n_train", "stars", "measured", "threshold", "passed", "n_test"]
    return pd.DataFrame(rows, columns=columns)


def _verdict(claim, cell, samples, confidence):
    """``{"measured", "threshold", "passed"}`` of a claim in a cell."""
    if claim["difference"]:
        measured = difference(cell, samples_of(samples, cell), *claim["difference"], confidence=confidence)["ci_low"]
        return {"measured": measured, "threshold": claim["above"], "passed": measured > claim["above"]}
    measured, (limit, passes) = cell.scores(claim["model"])[claim["metric"]], _limit(claim)
    return {"measured": measured, "threshold": limit, "passed": passes(measured, limit)}


def _limit(claim):
    return (claim["at_least"], ge) if claim["at_most"] is None else (claim["at_most"], le)


def _statement(claim, models):
    if claim["difference"]:
        a, b = claim["difference"]
        return f"lower limit of ΔR²({a} - {b}) on {claim['stars']} stars is above {claim['above']:g}"
    limit, passes = _limit(claim)
    what = f"{NAMES[claim['metric']]} of {models[claim['model']]['label']} on {claim['stars']} stars"
    return f"{what} is at {'least' if passes is ge else 'most'} {limit:g}"
