"""Labels of every validation and test star by every expert."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.data.files import atomic
from gravispec.device import array_device
from gravispec.models.experts import expert_labels
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake):
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    fits = [RidgeFit.load(path) for path in snakemake.input.experts]
    table = expert_labels(stars, RowReader(snakemake.input.flux), fits, device=array_device(snakemake.resources))
    with atomic(snakemake.output[0]) as path:
        table.to_parquet(path)
