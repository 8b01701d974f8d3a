"""The table of a run's predictions, from its stars, features, experts and gates."""

import numpy as np

from gravispec.data.features import feature_matrix
from gravispec.data.stars import LABELS, training_mask
from gravispec.models.bins import assign
from gravispec.models.mixture import mix, predictions_table, validation_parts

ABOUT = ["T_eff", "log_g", "M_H", "a_M", "C_M", "mag", "snr"]


def predictions_of(stars, experts, window, quality, gates, *, data, fallback_weight):
    """log g of every model for every validation and test star; its other labels, gate weights, flags, S/N and χ².

    ``stars``, ``window`` and ``quality``: tables of all stars; ``experts``: from ``labels.expert_labels``; ``gates``:
    ``{kind: gate}``; ``data``: n_train, edges of the bins, fractions fit and stop of the validation stars. Raises
    ``ValueError`` where ``experts`` is of other stars.
    """
    trained = stars.loc[training_mask(stars, data["n_train"]), "log_g"]
    keep = (stars["split"] != "train").to_numpy()
    kept = stars.loc[keep, ["star_id", "split", *ABOUT]].reset_index(drop=True)
    if not kept["star_id"].equals(experts["star_id"]):
        raise ValueError("the experts' predictions are of other stars")

    in_val = (kept["split"] == "val").to_numpy()
    part = np.full(len(kept), "test", dtype=object)
    part[in_val] = validation_parts(int(in_val.sum()), fit=data["fit"], stop=data["stop"])
    kept.insert(2, "part", part)
    kept["bin"] = assign(kept["T_eff"], kept["M_H"], **data["edges"])

    features = feature_matrix(window[keep], "window")
    weights = {kind: gate.weights(features) for kind, gate in gates.items()}
    table = predictions_table(
        kept,
        experts.filter(regex=r"^expert_\d+$").to_numpy(),
        experts["global_ridge"].to_numpy(),
        weights,
        fallback_weight=fallback_weight,
        log_g_range=(trained.min(), trained.max()),
    )
    for label in LABELS[1:]:
        table[f"{label}_global_ridge"] = experts[f"global_ridge_{label}"]
        table[f"{label}_classify"] = mix(experts.filter(regex=rf"^expert_\d+_{label}$").to_numpy(), weights["classify"])
    measured = feature_matrix(quality[keep], "quality")
    return table.assign(snr_measured=measured[:, 0], chi2=measured[:, 1])
