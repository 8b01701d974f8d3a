"""Synthesise the models of one shard of a grid and bring them to the instrument's pixels."""

import numpy as np

from gravispec.device import array_device
from gravispec.spectra.grid import nodes, shard
from gravispec.spectra.instrument import fine_wave, response
from gravispec.spectra.lte.synthesis import synthesize
from workflow.scripts.lib.job import job

with job(snakemake) as path:
    params = snakemake.params
    device = array_device(snakemake.resources)
    wave = params.pixels["start"] + params.pixels["step"] * np.arange(params.pixels["n"])
    fine = fine_wave(wave, params.fwhm)
    instrument = response(fine, wave, params.fwhm)  # (P, n_fine), sparse
    models = nodes(params.axes)
    models = models[shard(len(models), int(snakemake.wildcards.shard), params.n_shards)]
    flux = np.empty((len(models), len(wave)))
    for i, model in enumerate(models):
        labels = dict(zip(params.axes, model.tolist(), strict=True))
        surface_flux, _ = synthesize(**labels, v_micro=params.v_micro, wave=fine, device=device)
        flux[i] = instrument @ surface_flux
        print(f"{i + 1}/{len(models)} {labels}", flush=True)
    np.savez(path, wave=wave, flux=flux)
