"""A catalogue as FITS, ECSV, parquet or CSV: what every column means, and where the numbers come from."""

import platform
from itertools import chain
from pathlib import Path

import astropy
import numpy as np
import pandas as pd
import torch
from astropy.io import fits
from astropy.table import Column, Table

from gravispec import pfs_star
from gravispec.data.files import atomic
from gravispec.data.outputs import checked_output
from gravispec.data.provenance import hash_of
from gravispec.data.text import KEY, NOT_FITS, NOT_TEXT, STATEMENT, encoded, needs_encoding
from gravispec.errors import InputError
from gravispec.models.flags import FLAGS, MARGINALISED, NOT_FLAGGED
from gravispec.version import VERSION

FORMATS = {".fits": "fits", ".ecsv": "ascii.ecsv", ".parquet": "parquet", ".csv": "ascii.csv"}
LABELS = {
    "log_g": "log10 of the surface gravity in cm s-2",
    "T_eff": "effective temperature",
    "M_H": "metallicity [M/H]",
}
DESCRIPTIONS = {
    "star_id": "identifier in the file",
    "file": "file of the spectrum",
    **LABELS,
    "snr": "median flux / error of a pixel",
    "chi2": "reduced chi2 of the reconstruction from the principal components",
    "ess": "effective number of draws from the posterior; below 50 it is not sampled well",
    "misfit": "chi2 of the best model spectrum, minus the pixels, in units of its scatter",
    "fill_cost": "largest change of a label by the fill (68 %) over its half-width",
    "flags": "bits, see the header: 0 is good",
    "filled": "share of pixels that were masked or missing",
    "n_good": "pixels of the model that are measured",
    "velocity": "radial velocity that was taken out",
    "velocity_error": "standard deviation of a velocity that was measured",
    "fwhm": "width of the lines in the file",
    "offset": "measured wavelength offset against the training spectra",
    "noise_level": "noise level of the run that was used",
    "run": "run that was used",
    "model": "model whose labels lead",
    "problem": "why there is no prediction",
}
UNITS = {"T_eff": "K", "offset": "pixel", "velocity": "km s-1", "velocity_error": "km s-1", "fwhm": "Angstrom"}


def describe(name: str) -> tuple[str, str | None]:
    """Description and unit of a column."""
    if name.startswith("weight_"):
        return f"weight of expert {name.removeprefix('weight_')}", None
    label, _, end = name.rpartition("_")
    if label in LABELS and end[:2] in ("lo", "hi"):
        which = "lower" if end.startswith("lo") else "upper"
        return f"{which} limit of the {end[2:]} % interval of {label}", UNITS.get(label)
    kind, _, of = name.partition("_")
    if kind == "sigma":
        return f"standard deviation of the posterior of {of}", UNITS.get(of)
    if kind[:1] == "q" and kind[1:].isdigit():
        return f"quantile 0.{kind[1:]} of the posterior of {of}", UNITS.get(of)
    if kind == "cov":
        return f"covariance of the posterior, {of}", "K" if "T_eff" in of else None
    if name.startswith("log_g_"):
        return f"log_g of the model {name.removeprefix('log_g_')}", None
    return DESCRIPTIONS[name], UNITS.get(name)


def provenance(runs: list, command: str) -> dict[str, str]:
    """Header cards: versions, command, what every run was and of which configuration, the meaning of the flags."""
    cards = {"GRAVISPC": VERSION, "PYTHON": platform.python_version(), "NUMPY": np.__version__}
    cards |= {"TORCH": str(torch.__version__), "ASTROPY": astropy.__version__, "COMMAND": command}
    for i, chosen in enumerate(runs, start=1):
        about, level = chosen.run.about, chosen.level.about
        cards |= {f"RUN{i}": about["run"], f"NOISE{i}": level["noise_level"], f"MODEL{i}": chosen.model}
        cards |= {f"CODE{i}": about["code"], f"CONF{i}": hash_of(about["config"])[:16], f"VERS{i}": about["version"]}
        if note := about.get("note"):
            cards |= {f"NOTE{i}": note}
    # a keyword of FITS has eight characters
    cards |= {f"{'FLAG' if bit < 10_000 else 'FLG'}{bit}": f"{name}: {meaning}" for bit, name, meaning in FLAGS}
    return cards | {"NOTFLAG": MARGINALISED if all(chosen.knows_gaps for chosen in runs) else NOT_FLAGGED}


def checked_target(path: str | Path, **about) -> Path:
    """As ``outputs.checked_output``; raises InputError for an unknown ending, too."""
    if Path(path).suffix not in FORMATS:
        raise InputError(f"{path}: a catalogue ends in {', '.join(FORMATS)}")
    return checked_output(path, **about)


def write(table: pd.DataFrame, path: Path, meta: dict[str, str]) -> bool:
    """Write the rows with units, descriptions and ``meta``; whole or not at all. CSV keeps the values alone.
    pfsStar….fits has the layout of ``pfs_star``.

    Texts that the format cannot hold are encoded as ``data.text`` says; the header says so. Returns whether they are.
    """
    unfit = NOT_FITS if path.suffix == ".fits" else NOT_TEXT
    names = [name for name, values in table.items() if not pd.api.types.is_numeric_dtype(values.dtype)]
    found = chain(map(str, meta.values()), *(table[name].unique() for name in names))
    if encode := needs_encoding(found, unfit):
        table = table.assign(**{name: [encoded(text, unfit) for text in table[name]] for name in names})
        meta = {key: encoded(value, unfit) if isinstance(value, str) else value for key, value in meta.items()}
        meta |= {KEY: STATEMENT}
    columns = []
    for name, values in table.items():
        description, unit = describe(name)
        values = values.to_numpy(dtype=str) if name in names else values.to_numpy()
        columns.append(Column(values, name=name, description=description, unit=unit))
    with atomic(path) as part:
        if pfs_star.is_pfs_star(path):
            pfs_star.write(table, part, meta)
        elif path.suffix == ".fits":
            _write_fits(columns, part, meta)
        elif path.suffix == ".parquet":
            Table(columns, meta=meta).write(part, format="parquet", overwrite=True)
        else:  # UTF-8, whatever the locale
            with open(part, "w", encoding="utf-8", newline="") as file:
                Table(columns, meta=meta).write(file, format=FORMATS[path.suffix])
    return encode


def _write_fits(columns, path, meta):
    hdu = fits.table_to_hdu(Table(columns))
    for i, column in enumerate(columns, start=1):
        hdu.header[f"TCOMM{i}"] = column.description
    hdu.header.extend([(key.upper(), value) for key, value in meta.items()])
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)
