"""Labels of every validation and test star by every expert."""

import pandas as pd

from gravispec.data.arrays import RowReader
from gravispec.device import array_device
from gravispec.models.experts import expert_labels
from gravispec.models.ridge import RidgeFit
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    stars = pd.read_parquet(snakemake.input.stars, columns=["star_id", "split"])
    fits = [RidgeFit.load(path) for path in snakemake.input.experts]
    table = expert_labels(stars, RowReader(snakemake.input.flux), fits, device=array_device(snakemake.resources))
    table.to_parquet(path)
