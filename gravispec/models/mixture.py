"""From the experts' predictions and the gates' weights to log g of every model."""

import numpy as np
import pandas as pd

from gravispec.models.bins import UNCOVERED, one_hot

#: how the validation stars are used; the calibration stars serve no fit
VALIDATION_PARTS = ("gate_fit", "gate_stop", "calibration")


def validation_parts(n_val, *, fit, stop):
    """Use of each validation star, in file order: a fraction ``fit`` fits the gates, the next ``stop`` stops them."""
    n_fit, n_stop = round(fit * n_val), round(stop * n_val)
    counts = (n_fit, n_stop, n_val - n_fit - n_stop)
    return np.repeat(VALIDATION_PARTS, counts)


def mix(experts, weights):
    """Weighted sum of the experts' predictions (N, K) with weights (N, K): (N,) dex."""
    return np.sum(experts * weights, axis=1)


def log_g_of_models(experts, global_ridge, weights, *, fallback_weight):
    """log g (N,) of every model that can be used on new spectra: ``{model: (N,) dex}``.

    ``experts`` (N, K) and ``global_ridge`` (N,) in dex; ``weights``: ``{gate: (N, K)}``.
    """
    hard = one_hot(weights["classify"].argmax(axis=1), experts.shape[1])
    models = {"global_ridge": global_ridge, "hard": mix(experts, hard)}
    models |= {gate: mix(experts, w) for gate, w in weights.items()}
    unsure = weights["mlp"].max(axis=1) < fallback_weight
    return models | {"mlp_fallback": np.where(unsure, global_ridge, models["mlp"])}


def predictions_table(stars, experts, global_ridge, weights, *, fallback_weight, log_g_range):
    """log g of every model for every star, with the gates' weights and two flags.

    ``stars``: star_id, split, part, labels, mag, snr and ``bin``; the others as in ``log_g_of_models``. ``oracle`` is
    NaN for uncovered stars. Flags: ``uncovered``, the star's true labels lie outside the bins; ``edge``, the mlp
    prediction lies outside ``log_g_range``, the range of the training labels.
    """
    n_bins = experts.shape[1]
    bins = stars["bin"].to_numpy()
    uncovered = bins == UNCOVERED
    oracle = np.where(uncovered, np.nan, mix(experts, one_hot(bins, n_bins)))
    models = {"oracle": oracle, **log_g_of_models(experts, global_ridge, weights, fallback_weight=fallback_weight)}
    flags = {
        "uncovered": uncovered,
        "edge": (models["mlp"] < log_g_range[0]) | (models["mlp"] > log_g_range[1]),
    }
    named_weights = {f"w_{gate}_{k}": w[:, k] for gate, w in weights.items() for k in range(n_bins)}
    return pd.concat([stars.reset_index(drop=True), pd.DataFrame(models | named_weights | flags)], axis=1)
