"""The example that the package ships, from the finished run ``example`` of config/example.yaml: ``make example``.

Its model, marked as an example, and the first spectra of its test stars, with noise and gaps, and the true labels.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from gravispec.data.error_rows import ErrorRows
from gravispec.data.files import atomic
from gravispec.labels import LABELS
from gravispec.models.filling import References
from gravispec.models.trained import TrainedRun
from gravispec.spectra.nuisances import measured_pixels

RESULTS, SHIPPED = Path("results"), Path("gravispec/example")
NOTE = "an example, 40 nm about the Ca II triplet, trained on 10,000 stars: to try gravispec with, not for science"
N_STARS = 8
N_REFERENCES = 120  # spectra to fill gaps by, of those that a run carries; the network needs none


def main():
    """Write gravispec/example/model.safetensors and spectra.fits; their sizes are printed."""
    run = TrainedRun.load(RESULTS / "example/model.safetensors")
    (level,) = run.levels
    model, spectra = SHIPPED / "model.safetensors", SHIPPED / "spectra.fits"
    references = References(level.references.flux[:N_REFERENCES], level.references.snr[:N_REFERENCES])
    level = replace(level, references=references)
    replace(run, about=run.about | {"note": NOTE}, levels=(level,)).save(model)
    with atomic(spectra) as part:
        first_spectra(level.about["noise_level"], run.wave).write(part, format="fits")
    for path in (model, spectra):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def first_spectra(noise_level, wave):
    """Table of the first test stars: star_id, wave (Å, vacuum), flux and error (relative, NaN in gaps), true labels."""
    stars = pd.read_parquet(RESULTS / "spectra/example/stars.parquet").query("split == 'test'")[:N_STARS]
    noisy = RESULTS / f"noisy/example/noise_{noise_level:g}"
    flux = np.load(noisy / "test_0.npy", allow_pickle=False)[:N_STARS].astype(np.float32)
    error = ErrorRows([noisy / "sigma/test_0.npy"], wave)[:N_STARS].astype(np.float32)
    error[~measured_pixels(stars, wave)] = np.nan
    columns = {"star_id": stars["star_id"].to_numpy(str), "wave": np.tile(wave, (len(stars), 1))}
    table = Table(columns | {"flux": flux, "error": error})
    for label in LABELS:
        table[f"true_{label}"] = stars[label].to_numpy()
    table["rv"] = 0.0  # the stars are at rest, but for the error of the velocity in their nuisances
    table["wave"].unit, table["rv"].unit = "Angstrom", "km/s"
    table.meta |= {"AIRORVAC": "VACUUM", "BUNIT": "1"}
    return table


if __name__ == "__main__":
    main()
