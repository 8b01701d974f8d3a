"""Labels of stars by every expert and by the global Ridge."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import selected_rows
from gravispec.data.stars import LABELS
from gravispec.device import host, on_device


def expert_labels(stars, flux, models, *, device=None):
    """Labels of the validation and test stars; log g is the column without suffix.

    ``stars``: star_id and split (N,); ``flux``: a ``RowReader`` of N rows; ``models``: ``{name: RidgeFit}``. Returns a
    table of star_id, split and a column a model and label, K and dex.
    """
    keep = (stars["split"] != "train").to_numpy()
    coef = on_device(np.concatenate([model.coef for model in models.values()], axis=1), device)  # (P, models · labels)
    intercept = np.concatenate([model.intercept for model in models.values()])
    columns = [name if label == "log_g" else f"{name}_{label}" for name in models for label in LABELS]
    blocks = (on_device(rows.astype(np.float64), device) for rows, _ in selected_rows(flux, keep))
    predictions = np.concatenate([host(rows @ coef) + intercept for rows in blocks])
    table = stars.loc[keep, ["star_id", "split"]].reset_index(drop=True)
    return table.join(pd.DataFrame(predictions, columns=columns))
