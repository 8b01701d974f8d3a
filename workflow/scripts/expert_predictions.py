"""Labels of every validation and test star by every expert and by the global Ridge; log g is the one without suffix."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.device import array_device
from gravispec.models.labels import expert_labels
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    models = {f"expert_{k}": RidgeFit.load(path) for k, path in enumerate(snakemake.input.experts)}
    models["global_ridge"] = RidgeFit.load(snakemake.input.global_ridge)
    table = expert_labels(stars, RowReader(snakemake.input.flux), models, device=array_device(snakemake.resources))
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
