"""R² of every model in bins of stars, with bootstrap intervals over the stars of the bin."""

import numpy as np
import pandas as pd

from gravispec.evaluation.bootstrap import interval, r2_resamples
from gravispec.evaluation.cells import MIN_STARS, cells
from gravispec.evaluation.differences import difference


def per_bin(predictions, models, run, *, bin_names, seed, resamples, confidence):
    """R² in every bin of T_eff and [M/H] of the covered stars, and ΔR² to the reference; empty below ``MIN_STARS``."""
    reference, rows = run["reference"], []
    for cell in _cells_of("covered", predictions, models):
        for k, name in enumerate(bin_names):
            group = cell._replace(rows=cell.rows[cell.rows["bin"] == k])
            for model, row, resampled in _models(group, {"bin": k, "name": name}, [seed, k], resamples):
                if resampled is not None and model != reference and reference in cell.models:
                    delta = difference(group, resampled, model, reference, confidence=confidence)
                    row |= {f"delta_r2_vs_{reference}": delta["delta_r2"]}
                    row |= {end: delta[end] for end in ("ci_low", "ci_high")}
                rows.append(row)
    columns = ["noise_level", "n_train", "bin", "name", "model", "n_test", "r2"]
    return pd.DataFrame(rows, columns=[*columns, f"delta_r2_vs_{reference}", "ci_low", "ci_high"])


def by_snr(predictions, models, *, seed, resamples, confidence):
    """R² in bins of S/N of all stars, each a factor of two wide: from 2ᵏ to 2ᵏ⁺¹; empty below ``MIN_STARS``.

    S/N is that of the noisy spectrum: the star's nominal median S/N a pixel over the noise level; spectra of level 0
    are binned as those of level 1. R² is relative to the scatter of log_g within the bin.
    """
    rows = []
    for cell in _cells_of("all", predictions, models):
        exponent = np.floor(np.log2(cell.rows["snr"] / (cell.noise_level or 1))).astype(int)
        for k, stars in cell.rows.groupby(exponent):
            limits = {"snr_low": 2.0**k, "snr_high": 2.0 ** (k + 1)}
            # seeds are not negative, exponents may be
            for model, row, resampled in _models(cell._replace(rows=stars), limits, [seed, 100 + k], resamples):
                if resampled is not None:
                    row |= dict(zip(("r2_ci_low", "r2_ci_high"), interval(resampled[model], confidence), strict=True))
                rows.append(row)
    columns = ["noise_level", "n_train", "model", "snr_low", "snr_high", "n_test", "r2", "r2_ci_low", "r2_ci_high"]
    return pd.DataFrame(rows, columns=columns)


def _cells_of(stars, predictions, models):
    return [cell for cell in cells(predictions, models) if cell.stars == stars]


def _models(group, limits, seed, resamples):
    """``(model, row, R² (resamples, models))`` of the stars of a bin; no R² where they are too few."""
    enough = len(group.rows) >= MIN_STARS
    resampled = r2_resamples(group.rows["log_g"], group.values, resamples=resamples, seed=seed) if enough else None
    about = {"noise_level": group.noise_level, "n_train": group.n_train, **limits, "n_test": len(group.rows)}
    for model in group.models:
        yield model, about | {"model": model} | ({"r2": group.r2(model)} if enough else {}), resampled
