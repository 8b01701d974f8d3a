"""The tables of a run, from its predictions on the test stars."""

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.evaluation.bootstrap import compare, interval, r2_resamples
from gravispec.evaluation.metrics import MIN_STARS, rho, scores

#: models compared on the covered test stars, weakest first
COVERED_MODELS = ("global_ridge", "oracle", "hard", "classify", "linear", "mlp")
#: rows of the summary on all test stars, and the column of the predictions they come from
FULL_MODELS = {"mlp_full": "mlp", "mlp_fallback": "mlp_fallback", "global_full": "global_ridge"}
PAIRS = (
    ("mlp", "classify"),
    ("linear", "classify"),
    ("mlp", "linear"),
    ("mlp", "hard"),
    ("mlp", "global_ridge"),
    ("classify", "global_ridge"),
    ("oracle", "global_ridge"),
    ("mlp", "oracle"),
)
MOE_TARGET = 0.93  # R², method.md section 6


def test_stars(predictions):
    """Rows of the test split: ``(covered, all)``. Raises ``InputError`` when too few stars are covered."""
    test = predictions[predictions["split"] == "test"]
    covered = test[~test["uncovered"]]
    if len(covered) < MIN_STARS:
        raise InputError(f"{len(covered)} covered test stars; {MIN_STARS} at least are needed for a bootstrap")
    return covered, test


def resampled_r2(predictions, *, resamples, seed):
    """R² of every model on every resample: long table with columns resample, stars (covered, all), model, r2."""
    covered, test = test_stars(predictions)
    parts = []
    for stars, rows, models in (
        ("covered", covered, dict(zip(COVERED_MODELS, COVERED_MODELS, strict=True))),
        ("all", test, FULL_MODELS),
    ):
        values = rows[list(models.values())].set_axis(list(models), axis=1)
        samples = r2_resamples(rows["log_g"], values, resamples=resamples, seed=seed)
        long = samples.rename_axis("resample").reset_index().melt("resample", var_name="model", value_name="r2")
        parts.append(long.assign(stars=stars))
    return pd.concat(parts, ignore_index=True)[["resample", "stars", "model", "r2"]]


def wide(samples, stars):
    """The (resamples, models) table of one set of stars from the long one."""
    return samples[samples["stars"] == stars].pivot(index="resample", columns="model", values="r2")


def bootstrap_table(predictions, samples, *, confidence):
    """Paired differences of R² between models on the covered test stars."""
    covered, _ = test_stars(predictions)
    models = list(COVERED_MODELS)
    return compare(wide(samples, "covered"), covered["log_g"], covered[models], PAIRS, confidence=confidence)


def per_bin_table(predictions, bin_names, *, resamples, seed, confidence):
    """R² of every model in every bin, and ΔR² against classify with a bootstrap over the stars of the bin."""
    covered, _ = test_stars(predictions)
    models, rows = list(COVERED_MODELS), []
    for k, name in enumerate(bin_names):
        stars = covered[covered["bin"] == k]
        enough = len(stars) >= MIN_STARS
        if enough:
            samples = r2_resamples(stars["log_g"], stars[models], resamples=resamples, seed=[seed, k])
            r2 = {m: scores(stars["log_g"], stars[m])["r2"] for m in models}
        for model in models:
            row = {"bin": k, "name": name, "model": model, "n_test": len(stars)}
            if enough:
                row["r2"] = r2[model]
                if model != "classify":
                    low, high = interval(samples[model] - samples["classify"], confidence)
                    row |= {"delta_r2_vs_classify": r2[model] - r2["classify"], "ci_low": low, "ci_high": high}
            rows.append(row)
    columns = ["bin", "name", "model", "n_test", "r2", "delta_r2_vs_classify", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


def summary_table(predictions, samples, *, run, noise_level, n_train, confidence):
    """One row a model: covered test stars first, then all test stars (empty delta columns)."""
    covered, test = test_stars(predictions)
    by_stars = {"covered": wide(samples, "covered"), "all": wide(samples, "all")}
    r2 = {m: scores(covered["log_g"], covered[m])["r2"] for m in ("global_ridge", "oracle")}
    rows = []
    for model in (*COVERED_MODELS, *FULL_MODELS):
        full = model in FULL_MODELS
        stars, resampled = (test, by_stars["all"]) if full else (covered, by_stars["covered"])
        score = scores(stars["log_g"], stars[FULL_MODELS.get(model, model)])
        low, high = interval(resampled[model], confidence)
        row = {
            "run": run,
            "model": model,
            "noise_level": noise_level,
            "n_train": n_train,
            "n_test": score["n_test"],
            "coverage": len(stars) / len(test),
            "r2": score["r2"],
            "r2_ci_low": low,
            "r2_ci_high": high,
            "mae": score["mae"],
            "rmse": score["rmse"],
            "delta_r2_vs_classify": np.nan,
            "delta_ci_low": np.nan,
            "delta_ci_high": np.nan,
            "rho": np.nan,
        }
        if not full:
            row["rho"] = rho(score["r2"], r2["global_ridge"], r2["oracle"])
            if model != "classify":
                difference = resampled[model] - resampled["classify"]
                row["delta_r2_vs_classify"] = score["r2"] - scores(covered["log_g"], covered["classify"])["r2"]
                row["delta_ci_low"], row["delta_ci_high"] = interval(difference, confidence)
        rows.append(row)
    return pd.DataFrame(rows)


def hypotheses_table(predictions, bootstrap):
    """The claims of method.md section 6 as measured in this run, pass or fail."""
    covered, _ = test_stars(predictions)
    r2 = scores(covered["log_g"], covered["mlp"])["r2"]
    low = bootstrap.set_index("comparison")["ci_low"]
    claims = [
        ("H1", f"R² of the mlp gate on covered stars is at least {MOE_TARGET}", r2, MOE_TARGET, r2 >= MOE_TARGET),
        *(
            (name, f"lower limit of ΔR²({pair}) is above 0", low[pair], 0.0, low[pair] > 0)
            for name, pair in (("H2", "mlp - classify"), ("H3", "oracle - global_ridge"))
        ),
    ]
    table = pd.DataFrame(claims, columns=["id", "statement", "measured", "threshold", "passed"])
    return table.assign(n_test=len(covered))


def comparison_table(predictions, *, resamples, seed, confidence):
    """Several runs on the same test stars: R² of each, and the difference to the first, with paired intervals.

    ``predictions``: ``{run: table of predictions}``. Stars covered and predicted by every run are compared; raises
    ``InputError`` where the runs have different test stars.
    """
    tables = {run: test_stars(table)[0].set_index("star_id") for run, table in predictions.items()}
    first, *others = tables
    for run in others:
        if not tables[run].index.equals(tables[first].index):
            raise InputError(f"runs {first} and {run} have different covered test stars; compare runs of one data set")
    log_g, rows = tables[first]["log_g"], []
    for model in COVERED_MODELS:
        values = pd.DataFrame({run: table[model] for run, table in tables.items()})
        samples = r2_resamples(log_g, values, resamples=resamples, seed=seed)
        for run in tables:
            low, high = interval(samples[run], confidence)
            score = scores(log_g, values[run])
            row = {"model": model, "run": run, **score, "r2_ci_low": low, "r2_ci_high": high}
            if run != first:
                low, high = interval(samples[run] - samples[first], confidence)
                delta = score["r2"] - scores(log_g, values[first])["r2"]
                row |= {f"delta_r2_vs_{first}": delta, "delta_ci_low": low, "delta_ci_high": high, "passed": low > 0}
            rows.append(row)
    return pd.DataFrame(rows)
