"""Read a share of the BOSZ files of a grid: keep the wavelength window, checksums and positions of lines."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from gravispec.data.bosz import is_missing, read_model, read_wave
from gravispec.errors import InputError
from gravispec.spectra.medium import medium_offset
from workflow.scripts.lib.job import job


def arrival(name, path):
    """A row of the table of files: what arrived under which name."""
    if path is None or is_missing(path):
        return {"file": name, "status": "missing"}
    content = Path(path).read_bytes()
    return {"file": name, "status": "read", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


with job(snakemake) as (models_path, files_path):
    params = snakemake.params
    wave = read_wave(snakemake.input.wave)
    inside = (wave >= params.window[0]) & (wave <= params.window[1])
    paths = {Path(path).name: path for path in snakemake.input.get("models", [])}
    table = [arrival("/".join(Path(snakemake.input.wave).parts[-2:]), snakemake.input.wave)]
    flux = np.full((len(params.names), inside.sum()), np.nan)
    for i, name in enumerate(params.names):
        table.append(arrival(name, paths.get(Path(name).name)))
        if table[-1]["status"] == "read":
            path = paths[Path(name).name]
            model, continuum = read_model(path, len(wave))
            if not (np.isfinite(model[inside]) & (model[inside] > 0)).all():
                raise InputError(f"{path}: flux that is not finite and above 0; fetch the file again")
            flux[i] = model[inside]
            table[-1]["medium_offset"] = medium_offset(wave, model, continuum)
        print(f"{i + 1}/{len(params.names)} {name}: {table[-1]['status']}", flush=True)
    np.savez(models_path, wave=wave[inside], flux=flux)
    columns = ["source", "file", "status", "bytes", "sha256", "medium_offset"]
    frame = pd.DataFrame(table).assign(source=params.source).reindex(columns=columns)
    frame.astype({"bytes": "Int64"}).to_csv(files_path, index=False)
