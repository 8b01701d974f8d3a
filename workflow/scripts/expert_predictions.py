"""Labels of every validation and test star by every expert; log g is the column without suffix."""

import numpy as np
import pandas as pd

from gravispec.data.arrays import RowReader, blocks
from gravispec.data.files import atomic
from gravispec.data.stars import LABELS
from gravispec.device import array_device, host, on_device
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    fits = [RidgeFit.load(path) for path in snakemake.input.experts]
    device = array_device(snakemake.resources)
    coef = on_device(np.concatenate([fit.coef for fit in fits], axis=1), device)  # (P, experts · labels)
    intercept = np.concatenate([fit.intercept for fit in fits])
    columns = [f"expert_{k}{suffix}" for k in range(len(fits)) for suffix in ["", *(f"_{x}" for x in LABELS[1:])]]
    flux = RowReader(snakemake.input.flux)  # of these splits alone
    rows = (on_device(flux[lo:hi].astype(np.float64), device) for lo, hi in blocks(0, len(flux)))
    labels = np.concatenate([host(x @ coef) + intercept for x in rows])
    table = stars[stars["split"] != "train"].reset_index(drop=True).join(pd.DataFrame(labels, columns=columns))
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
