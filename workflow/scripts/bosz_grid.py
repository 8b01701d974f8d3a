"""Join the shards of a BOSZ grid, fill or refuse missing models, and compress all for interpolation."""

import numpy as np
import pandas as pd

from gravispec.errors import InputError
from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.medium import describe_vacuum_offset, vacuum_offset
from gravispec.spectra.missing import fill_missing
from gravispec.spectra.normalise import median_normalised
from workflow.scripts.lib.job import job

with job(snakemake) as (grid_path, files_path):
    params = snakemake.params
    shards = [np.load(path, allow_pickle=False) for path in snakemake.input.shards]
    flux, wave = np.concatenate([part["flux"] for part in shards]), shards[0]["wave"]
    # every shard lists the wavelength file first
    tables = [pd.read_csv(path, dtype={"bytes": "Int64"}) for path in snakemake.input.files]
    models = pd.concat([table.iloc[1:] for table in tables], ignore_index=True)
    absent = models.loc[models["status"] == "missing", "file"].tolist()
    if absent and params.missing == "error":
        raise InputError(
            f"{len(absent)} of {len(models)} models are missing from {models['source'][0]}: {', '.join(absent)}; "
            f"narrow the axes of the grid, or set missing: interpolate"
        )
    flux, along = fill_missing(params.axes, flux, models["file"].tolist())
    for row, axes in along.items():
        models.loc[row, "status"] = f"interpolated along {' '.join(axes)}"
        print(f"missing: {models['file'][row]}: {models['status'][row]}", flush=True)
    print(describe_vacuum_offset(vacuum_offset(wave, median_normalised(flux))), flush=True)
    basis = fit_basis(flux, overwrite=True)
    print(f"{len(flux)} models on {len(wave)} pixels, {len(basis.components)} components", flush=True)
    GridInterpolator(params.axes, basis, wave=wave).save(grid_path)
    pd.concat([tables[0].iloc[:1], models]).to_csv(files_path, index=False)
