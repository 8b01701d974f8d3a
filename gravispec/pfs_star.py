"""A catalogue as PFS keeps stellar parameters: a row a star and parameter, and the covariance of each star's.

Layout, described in docs/pfs_star.md: tables StellarParams and GACatalogTable, paramsCovar and planes of MaskHelper in
the GA branches of github.com/Subaru-PFS/datamodel, version 2, filled as gapipe (github.com/Subaru-PFS-GA/ga_pipeline)
fills them. What PFS has and gravispec does not measure is left out: readers take defaults.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from gravispec.models.flags import BITS

DAMD_VER = 2
PARAMS = {"M_H": "dex", "T_eff": "K", "log_g": "dex"}  # units by PFS; covarId is the place here
FLOAT, LONG, SHORT, BYTE, BOOL, TEXT = "E", "K", "J", "B", "L", "A"
#: name, FITS format, description; first those of PFS
STELLAR_PARAMS = (
    ("targetId", SHORT, "Row of the star in GACATALOG and STELLARCOVAR"),
    ("method", TEXT, "Measurement method"),
    ("frame", TEXT, "Reference frame of velocity"),
    ("param", TEXT, "Stellar parameter: M_H, T_eff, log_g"),
    ("covarId", BYTE, "Param position within covariance matrix"),
    ("unit", TEXT, "Physical unit of parameter"),
    ("value", FLOAT, "Stellar parameter value"),
    ("valueErr", FLOAT, "Stellar parameter error"),
    ("flag", BOOL, "Measurement flag (true means bad)"),
    ("status", TEXT, "Measurement flags"),
)
CATALOG = (
    ("targetId", SHORT, "Row of the star in STELLARCOVAR"),
    ("catId", LONG, "PFS catalog identifier; -1: none"),
    ("objId", LONG, "Object identifier; -1: none"),
    ("T_eff", FLOAT, "Effective temperature [K]"),
    ("T_effErr", FLOAT, "Effective temperature error [K]"),
    ("M_H", FLOAT, "Metallicity [dex]"),
    ("M_HErr", FLOAT, "Metallicity error [dex]"),
    ("log_g", FLOAT, "log g"),
    ("log_gErr", FLOAT, "log g error"),
    ("flag", BOOL, "Measurement flag (true means bad)"),
    ("status", TEXT, "Measurement flags"),
    ("star_id", TEXT, "Identifier in the file"),
    ("file", TEXT, "File of the spectrum"),
    ("snr", FLOAT, "Median flux / error of a pixel"),
    ("chi2", FLOAT, "Reduced chi2 of the reconstruction"),
    ("flags", SHORT, "Bits of the planes MP_..."),
    ("noise_level", FLOAT, "Noise level of the run that was used"),
    ("run", TEXT, "Run that was used"),
    ("model", TEXT, "Model that was used"),
    ("problem", TEXT, "Why there is no prediction"),
)


def is_pfs_star(path: str | Path) -> bool:
    """Whether a name asks for this layout: pfsStar….fits."""
    return Path(path).name.startswith("pfsStar") and Path(path).suffix == ".fits"


def write(table: pd.DataFrame, path: Path, meta: dict) -> None:
    """Write the rows of ``predict.catalogue_rows``, whose texts fit into FITS, with ``meta`` in the primary header."""
    error = errors(table)
    flags = table["flags"].to_numpy(np.int32)
    names = np.array([status(value) for value in flags], dtype=str)
    n, target = len(table), np.arange(len(table))
    rows = {"targetId": np.repeat(target, len(PARAMS)), "method": "gravispec", "frame": ""}
    rows |= {"param": np.tile([*PARAMS], n), "covarId": np.tile(np.arange(len(PARAMS)), n)}
    rows |= {"unit": np.tile([*PARAMS.values()], n), "value": table[[*PARAMS]].to_numpy().ravel()}
    rows |= {"valueErr": error.ravel(), "flag": np.repeat(flags != 0, len(PARAMS))}
    rows |= {"status": np.repeat(names, len(PARAMS))}
    cat_id, obj_id = np.array([pfs_ids(star_id) for star_id in table["star_id"]], np.int64).reshape(n, 2).T
    stars = {name: table[name].to_numpy() for name, *_ in CATALOG if name in table}
    stars |= {"targetId": target, "catId": cat_id, "objId": obj_id, "flag": flags != 0, "status": names}
    stars |= {f"{name}Err": error[:, i] for i, name in enumerate(PARAMS)}

    primary = fits.PrimaryHDU()
    primary.header["DAMD_VER"] = (DAMD_VER, "GA datamodel version")
    primary.header.extend([(key.upper(), value) for key, value in meta.items()])
    catalog = _table(CATALOG, stars, "GACATALOG")
    for name, bit in BITS.items():
        catalog.header[f"HIERARCH MP_{name}"] = bit.bit_length() - 1
    matrices = fits.ImageHDU(covariances(table, error).astype(np.float32), name="STELLARCOVAR")
    hdus = [primary, catalog, _table(STELLAR_PARAMS, rows, "STELLARPARAM"), matrices]
    fits.HDUList(hdus).writeto(path, overwrite=True)


def errors(table: pd.DataFrame) -> np.ndarray:
    """(n, T) σ of the posterior, in the order of ``PARAMS``; half the 68 % interval of stars whose model gives none."""
    half = [(table[f"{name}_hi68"] - table[f"{name}_lo68"]) / 2 for name in PARAMS]
    sigma = [table.get(f"sigma_{name}", one).fillna(one) for name, one in zip(PARAMS, half, strict=True)]
    return np.stack([np.asarray(one, float) for one in sigma], axis=1)


def covariances(table: pd.DataFrame, error: np.ndarray) -> np.ndarray:
    """(n, T, T): squared errors (n, T), beside them NaN where the model gives no posterior: unknown is not 0."""
    found = np.full((len(table), len(PARAMS), len(PARAMS)), np.nan)
    for i, one in enumerate(PARAMS):
        found[:, i, i] = error[:, i] ** 2
        for j, other in enumerate(PARAMS):
            if (column := f"cov_{one}_{other}") in table:
                found[:, i, j] = found[:, j, i] = table[column]
    return found


def status(flags: int) -> str:
    """Names of the bits that are set, as gapipe writes its own: with a blank between."""
    return " ".join(name for name, bit in BITS.items() if flags & bit)


def pfs_ids(star_id: str) -> tuple[int, int]:
    """catId and objId of a star of a PFS product, which is called catId:objId; (-1, -1) of others."""
    match = re.fullmatch(r"(-?\d{1,18}):(-?\d{1,19})", star_id)
    ids = (int(match[1]), int(match[2])) if match else (-1, -1)
    return ids if max(map(abs, ids)) < 2**63 else (-1, -1)


def _table(schema, columns, name):
    """The HDU of a table as PfsTable writes it, with descriptions as TDOC."""
    n = len(columns["targetId"])
    made, header = [], fits.Header({"DAMD_VER": DAMD_VER, "INHERIT": True})
    for i, (column, kind, description) in enumerate(schema, start=1):
        values = np.broadcast_to(columns[column], n)
        if kind == TEXT:
            values = values.astype(str)
            kind = f"{max(1, values.dtype.itemsize // 4)}{TEXT}"
        made.append(fits.Column(column, kind, array=values))
        header[f"TDOC{i}"] = description
    return fits.BinTableHDU.from_columns(made, header=header, name=name)
