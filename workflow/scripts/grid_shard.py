"""Synthesise the models of one shard of a grid and bring them to the instrument's pixels."""

import numpy as np

from gravispec.device import array_device
from gravispec.spectra.grid import shard
from gravispec.spectra.instrument import fine_wave, response
from gravispec.spectra.lte.synthesis import synthesize
from gravispec.spectra.splines import Others, models
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params = snakemake.params
    device = array_device(snakemake.resources)
    wave = params.pixels["start"] + params.pixels["step"] * np.arange(params.pixels["n"])
    fine = fine_wave(wave, params.fwhm)
    instrument = response(fine, wave, params.fwhm)  # (P, n_fine), sparse
    others = Others(**params.others) if params.others else None
    names = [*params.axes, *(others.ranges if others else ())]
    rows = models(params.axes, others)
    rows = rows[shard(len(rows), int(snakemake.wildcards.shard), params.n_shards)]
    flux = np.empty((len(rows), len(wave)))
    for i, row in enumerate(rows):
        labels = {"v_micro": params.v_micro} | dict(zip(names, row.tolist(), strict=True))
        if "C_O" in labels:
            labels["C_M"] = labels["a_M"] + labels.pop("C_O")
        surface_flux, _ = synthesize(**labels, wave=fine, device=device)
        flux[i] = instrument @ surface_flux
        print(f"{i + 1}/{len(rows)} {labels}", flush=True)
    np.savez(path, wave=wave, flux=flux)
