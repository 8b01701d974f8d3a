"""The verdict: what every model reaches on the test stars, and the claims of the run."""

import numpy as np

from gravispec.plugins.models import limit_of
from gravispec.report.page.parts import Column, Section, Table, cell, with_interval

COLUMNS = {
    "model": Column("model", "The model; its row in summary.csv is named in the CSV itself.", number=False),
    "stars": Column(
        "stars",
        "covered: test stars inside the bins of T_eff and [M/H] that have an expert each; all: all test stars.",
        number=False,
    ),
    "noise_level": Column("noise", "Noise level: factor of the 1σ errors of the survey's own spectra."),
    "n_train": Column("n train", "Number of training stars."),
    "n_test": Column("n", "Number of test stars that the row is measured on; no model was fitted to them."),
    "r2": Column(
        "R²", "1 − Σ(predicted − true)² / Σ(true − mean)² of log g; in brackets the bootstrap interval over test stars."
    ),
    "rmse": Column(
        "RMSE (dex)", "Root of the mean squared error of log g, with its interval of the same resamples of stars."
    ),
    "mae": Column("MAE (dex)", "Mean absolute error of log g."),
    "rmse_over_limit": Column(
        "RMSE/limit",
        "RMSE over that of the posterior by the forward model, which no estimator can beat, with its paired interval; "
        "of all stars.",
    ),
    "delta": Column("ΔR²", "R² minus that of the reference on the same stars, with its paired interval."),
    "rho": Column(
        "ρ", "Share of the gain between the two models that the run's rho names: 0 is the first, 1 the second."
    ),
}
INTERVALS = {"r2": ("r2_ci_low", "r2_ci_high"), "rmse": ("rmse_ci_low", "rmse_ci_high")}
INTERVALS |= {"rmse_over_limit": ("limit_ci_low", "limit_ci_high"), "delta": ("delta_ci_low", "delta_ci_high")}
FORMS = {"noise_level": "{:g}", "n_train": "{:,}", "n_test": "{:,}", "r2": "{:.3f}", "rmse": "{:.3f}", "mae": "{:.3f}"}
FORMS |= {"rmse_over_limit": "{:.3f}", "delta": "{:+.4f}", "rho": "{:.2f}"}


def verdict(summary, hypotheses, models, run, confidence):
    """The table of all models, sorted as ``summary``, and that of the claims where there are any."""
    found = summary.rename(columns={f"delta_r2_vs_{run['reference']}": "delta"})
    shown = [name for name in COLUMNS if name in found and (name == "model" or found[name].notna().any())]
    names = {about[stars]: about["label"] for about in models.values() for stars in ("covered", "all")}
    rows = []
    for row in found.to_dict("records"):
        row["model"] = names[row["model"]]
        rows.append([_cell(name, row) for name in shown])
    caption = (
        f"Measured on the test stars; intervals are {confidence:.0%}, from resampled stars. "
        f"Reference of ΔR²: {models[run['reference']]['label']}."
    )
    tables = [Table("verdict", caption, [COLUMNS[name] for name in shown], rows)]
    if len(hypotheses):
        tables.append(_claims(hypotheses))
    return Section("verdict", "Verdict", _in_words(summary, models), tables)


def _cell(name, row):
    if name in INTERVALS:
        return with_interval(row[name], *(row[end] for end in INTERVALS[name]), FORMS[name])
    return cell(row[name], FORMS.get(name, "{}"))


def _in_words(summary, models):
    """The best model of all stars at the lowest noise level, but for the limit itself where there is another."""
    rows = summary[(summary["stars"] == "all") & (summary["noise_level"] == summary["noise_level"].min())]
    limit, names = limit_of(models), {about["all"]: about["label"] for about in models.values()}
    others = rows[rows["model"] != models[limit]["all"]] if limit else rows
    rows = others if len(others) else rows
    best = rows.loc[rows["r2"].idxmax()]
    text = (
        f"Of all {best['n_test']:,} test stars at noise level {best['noise_level']:g}, {names[best['model']]} "
        f"measures log g best: R² = {best['r2']:.3f} ({best['r2_ci_low']:.3f}, {best['r2_ci_high']:.3f}), RMSE = "
        f"{best['rmse']:.3f} dex ({best['rmse_ci_low']:.3f}, {best['rmse_ci_high']:.3f})"
    )
    ratio = best.get("rmse_over_limit", np.nan)
    return f"{text}, {ratio:.2f} of the limit." if np.isfinite(ratio) else f"{text}."


def _claims(hypotheses):
    columns = [
        Column("claim", "What the configuration of the run claims.", number=False),
        Column("verdict", "Whether the measured value passes the threshold.", number=False),
        Column("measured", "The measured value; of a difference the lower limit of its interval."),
        Column("threshold", "The value that it has to reach."),
        Column("stars", "The stars that it is claimed of.", number=False),
        Column("noise", "Noise level."),
        Column("n", "Number of test stars."),
    ]
    rows = [
        [
            cell(row["statement"]),
            cell("passed" if row["passed"] else "not met"),
            cell(row["measured"], "{:.4f}"),
            cell(row["threshold"], "{:g}"),
            cell(row["stars"]),
            cell(row["noise_level"], "{:g}"),
            cell(row["n_test"], "{:,}"),
        ]
        for row in hypotheses.to_dict("records")
    ]
    return Table("claims", "Claims of the run", columns, rows)
