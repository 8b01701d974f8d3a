"""Join the shards of a grid and compress them for interpolation."""

import numpy as np

from gravispec.spectra.grid import GridInterpolator, fit_basis
from gravispec.spectra.splines import Others
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    shards = [np.load(path, allow_pickle=False) for path in snakemake.input.shards]
    flux, wave = np.concatenate([part["flux"] for part in shards]), shards[0]["wave"]
    others = Others(**snakemake.params.others) if snakemake.params.others else None
    basis = fit_basis(flux, others, overwrite=True)
    print(f"{len(flux)} models on {len(wave)} pixels, {len(basis.components)} components", flush=True)
    GridInterpolator(snakemake.params.axes, basis, wave=wave, others=others).save(path)
