"""Labels of stars by every expert."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import blocks
from gravispec.device import host, on_device
from gravispec.labels import LABELS


def expert_labels(stars, flux, fits, *, device=None):
    """Labels of the validation and test stars; log g is the column without suffix.

    stars : table of all stars
    flux : ``RowReader`` of these splits alone
    fits : a ``RidgeFit`` an expert

    Returns a table of star_id, split and a column an expert and label, K and dex.
    """
    coef = on_device(np.concatenate([fit.coef for fit in fits], axis=1), device)  # (P, experts · labels)
    intercept = np.concatenate([fit.intercept for fit in fits])
    columns = [f"expert_{k}{suffix}" for k in range(len(fits)) for suffix in ["", *(f"_{x}" for x in LABELS[1:])]]
    rows = (on_device(flux[lo:hi].astype(np.float64), device) for lo, hi in blocks(0, len(flux)))
    labels = np.concatenate([host(x @ coef) + intercept for x in rows])
    others = stars.loc[stars["split"] != "train", ["star_id", "split"]].reset_index(drop=True)
    return others.join(pd.DataFrame(labels, columns=columns))
