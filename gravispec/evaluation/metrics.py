"""Scores of predicted log g."""

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error


def scores(log_g, predicted):
    """``{"n_test", "r2", "mae", "rmse"}`` of predictions (N,); mae and rmse in dex."""
    return {
        "n_test": len(log_g),
        "r2": r2_score(log_g, predicted),
        "mae": mean_absolute_error(log_g, predicted),
        "rmse": root_mean_squared_error(log_g, predicted),
    }


def rho(r2, r2_from, r2_to):
    """Share of the gain from one model to another that a third reaches, of the global Ridge and the oracle in method.md
    section 6; it may exceed 1. NaN where nothing is gained, as in runs with few stars a bin.
    """
    gain = r2_to - r2_from
    return (r2 - r2_from) / gain if gain > 0 else np.nan


def r2_rows(log_g, predictions):
    """R² along the last axis: log_g (..., N), predictions (M, ..., N); returns (M, ...)."""
    total = np.sum((log_g - log_g.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    return 1.0 - np.sum((predictions - log_g) ** 2, axis=-1) / total
