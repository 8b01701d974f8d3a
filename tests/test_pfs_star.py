"""Catalogues in the layout of PFS are read back as PFS's own tables do: columns by name, cast to a type."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from gravispec import catalogue, pfs_star
from gravispec.models.flags import BITS, FLAGS
from tests.test_project import REPO

#: StellarParams and part of GACatalogTable of datamodel version 2, without what is ours
STELLAR_PARAMS = {"method": str, "frame": str, "param": str, "covarId": np.uint8, "unit": str, "value": np.float32}
STELLAR_PARAMS |= {"valueErr": np.float32, "flag": bool, "status": str}
GA_CATALOG = {"catId": np.int32, "T_eff": np.float32, "T_effErr": np.float32, "M_H": np.float32, "M_HErr": np.float32}
GA_CATALOG |= {"log_g": np.float32, "log_gErr": np.float32, "flag": bool, "status": str}
COVARIANCE = np.array([[0.04, -5.0, 0.01], [-5.0, 1e4, -3.0], [0.01, -3.0, 0.02]])  # log g, T_eff, M_H


def rows():
    """Three stars: good with a posterior, flagged without one, unusable."""
    labels = {"log_g": [2.5, 4.25, np.nan], "T_eff": [4500.0, 5500.0, np.nan], "M_H": [-1.5, 0.25, np.nan]}
    half = {"log_g": 0.3, "T_eff": 120.0, "M_H": 0.2}
    table = pd.DataFrame({"star_id": ["10092:1234567890123456", "HD 1", "3:-7"], "file": ["a.fits", "b.fits", ""]})
    for name, values in labels.items():
        table[name] = values
        for end, by in (("lo68", -1), ("hi68", 1), ("lo95", -2), ("hi95", 2)):
            table[f"{name}_{end}"] = table[name] + by * half[name]
    for i, one in enumerate(labels):
        table[f"sigma_{one}"] = [COVARIANCE[i, i] ** 0.5, np.nan, np.nan]
        for j in range(i + 1, 3):
            table[f"cov_{one}_{[*labels][j]}"] = [COVARIANCE[i, j], np.nan, np.nan]
    flags = np.array([0, BITS["SNR"] | BITS["SLOPE"], BITS["UNUSABLE"]], np.int16)
    about = {"snr": [9.0, 2.0, np.nan], "chi2": [1.0, 1.1, np.nan], "flags": flags, "noise_level": [0.2, 0.2, np.nan]}
    return table.assign(
        **about, run=["survey", "survey", ""], model=["network", "mlp", ""], problem=["", "", "no pixel"]
    )


@pytest.fixture(scope="module")
def hdus(tmp_path_factory):
    path = tmp_path_factory.mktemp("pfs") / "pfsStarCatalog.fits"
    assert not catalogue.write(rows(), path, {"COMMAND": "gravispec predict", "RUN1": "survey"})
    with fits.open(path, memmap=False) as file:
        file.verify("exception")
        yield file


def read(hdu, schema):
    return {name: hdu.data[name].astype(kind) for name, kind in schema.items()}


def test_stellar_parameters_are_read_as_pfs_reads_them(hdus):
    assert hdus[0].header["DAMD_VER"] == hdus["STELLARPARAM"].header["DAMD_VER"] == 2
    assert hdus[0].header["RUN1"] == "survey"
    found, table = read(hdus["STELLARPARAM"], STELLAR_PARAMS), rows()
    assert found["param"].tolist() == ["M_H", "T_eff", "log_g"] * 3
    assert found["unit"].tolist() == ["dex", "K", "dex"] * 3
    assert found["covarId"].tolist() == [0, 1, 2] * 3
    assert set(found["method"]) == {"gravispec"}
    assert set(found["frame"]) == {""}
    np.testing.assert_allclose(found["value"], table[["M_H", "T_eff", "log_g"]].to_numpy().ravel(), rtol=1e-6)
    expected = [0.02**0.5, 100, 0.2, 0.2, 120, 0.3, *3 * [np.nan]]  # σ of the posterior, half of the interval, nothing
    np.testing.assert_allclose(found["valueErr"], expected, rtol=1e-5)
    assert found["flag"].tolist() == [False] * 3 + [True] * 6
    assert found["status"].tolist() == [""] * 3 + ["SNR SLOPE"] * 3 + ["UNUSABLE"] * 3
    assert hdus["STELLARPARAM"].data["targetId"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_the_catalogue_has_a_row_a_star(hdus):
    found, table = read(hdus["GACATALOG"], GA_CATALOG), rows()
    for name in ("log_g", "T_eff", "M_H"):
        np.testing.assert_allclose(found[name], table[name], rtol=1e-6)
    np.testing.assert_allclose(found["log_gErr"], [0.2, 0.3, np.nan], rtol=1e-5)
    assert found["catId"].tolist() == [10092, -1, 3]
    data = hdus["GACATALOG"].data
    assert data["objId"].tolist() == [1234567890123456, -1, -7]
    for name in ("star_id", "file", "run", "model", "problem"):
        assert data[name].tolist() == table[name].tolist()


def test_flag_bits_are_planes_with_the_names_of_the_status(hdus):
    header, data = hdus["GACATALOG"].header, hdus["GACATALOG"].data
    planes = {key[3:]: header[key] for key in header if key.startswith("MP_")}
    assert {name: 1 << bit for name, bit in planes.items()} == BITS
    assert data["flags"].tolist() == rows()["flags"].tolist()
    for flags, flag, status in zip(data["flags"], data["flag"], data["status"], strict=True):
        assert status.split() == [name for name, bit in planes.items() if int(flags) >> bit & 1]
        assert flag == bool(status)


def test_covariances_are_those_of_the_posterior_and_unknown_without_one(hdus):
    found = hdus["STELLARCOVAR"].data
    order = [2, 1, 0]  # from log g, T_eff, M_H to the places that covarId names
    np.testing.assert_allclose(found[0], COVARIANCE[np.ix_(order, order)], rtol=1e-6)
    np.testing.assert_allclose(np.diag(found[1]), [0.04, 14400, 0.09], rtol=1e-6)
    assert np.isnan(found[1][~np.eye(3, dtype=bool)]).all()
    assert np.isnan(found[2]).all()


@pytest.mark.parametrize("name", ["catalogue.fits", "pfsStarCatalog.csv", "starCatalog.fits"])
def test_other_names_keep_their_layout(name, tmp_path):
    table = rows()
    catalogue.write(table, tmp_path / name, {})
    again = fits.getdata(tmp_path / name).names if name.endswith("fits") else list(pd.read_csv(tmp_path / name))
    assert again == list(table.columns)


def test_texts_that_fits_cannot_hold_are_encoded_here_too(tmp_path):
    path = tmp_path / "pfsStar-1.fits"
    assert catalogue.write(rows().assign(file="Köln.fits"), path, {"COMMAND": "ä"})
    assert set(fits.getdata(path, "GACATALOG")["file"]) == {"K%C3%B6ln.fits"}
    assert fits.getheader(path)["COMMAND"] == "%C3%A4"


@pytest.mark.parametrize(
    ("star_id", "ids"),
    [("1:2", (1, 2)), ("a:2", (-1, -1)), ("1:2:3", (-1, -1)), ("1:99999999999999999999", (-1, -1)), ("", (-1, -1))],
)
def test_ids_of_pfs(star_id, ids):
    assert pfs_star.pfs_ids(star_id) == ids


def test_no_star_is_a_file_too(tmp_path):
    catalogue.write(rows()[:0], tmp_path / "pfsStar-0.fits", {})
    assert len(fits.getdata(tmp_path / "pfsStar-0.fits", "STELLARPARAM")) == 0


def test_the_page_describes_every_extension_column_and_flag():
    page = (REPO / "docs/pfs_star.md").read_text()
    columns = [name for schema in (pfs_star.CATALOG, pfs_star.STELLAR_PARAMS) for name, *_ in schema]
    for name in ("STELLARPARAM", "STELLARCOVAR", "GACATALOG", *columns, *(name for _, name, _ in FLAGS)):
        assert f"`{name}`" in page, name
