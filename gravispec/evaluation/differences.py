"""Paired differences of R² between models, on the same stars, with bootstrap intervals."""

import pandas as pd

from gravispec.evaluation.bootstrap import interval, samples_of
from gravispec.evaluation.cells import cells

COLUMNS = ["delta_r2", "resampled_mean", "ci_low", "ci_high", "fraction_positive", "resamples"]


def differences(predictions, models, run, *, samples, confidence):
    """A row a cell and pair of ``run["differences"]`` that is in it: ΔR² = R²(a) - R²(b); covered stars first."""
    rows = []
    for cell in cells(predictions, models):
        resampled = samples_of(samples, cell)
        for a, b in run["differences"]:
            if {a, b} <= set(cell.models):
                names = {**cell.key, "comparison": f"{a} - {b}", "n_test": len(cell.rows)}
                rows.append(names | difference(cell, resampled, a, b, confidence=confidence))
    return pd.DataFrame(rows, columns=["noise_level", "n_train", "stars", "comparison", "n_test", *COLUMNS])


def difference(cell, resampled, a, b, *, confidence):
    """``COLUMNS`` of R²(a) - R²(b); ``resampled``: R² (resamples, models)."""
    drawn = resampled[a] - resampled[b]
    delta = cell.r2(a) - cell.r2(b)
    values = delta, drawn.mean(), *interval(drawn, confidence), (drawn > 0).mean(), len(drawn)
    return dict(zip(COLUMNS, values, strict=True))
