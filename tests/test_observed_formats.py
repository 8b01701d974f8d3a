"""Every accepted layout gives the same spectra on the model's pixels."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from gravispec.data.pfsspec import ERROR, FLUX
from gravispec.data.pfsspec import WAVE as PFSSPEC_WAVE
from gravispec.observed.read import prepared_batches
from gravispec.observed.units import in_angstrom, is_per_frequency
from gravispec.spectra.wavelength import vacuum_to_air
from tests import observed_files as files
from tests.observed_files import WAVE, pixel_means
from workflow.scripts.lib.code_deps import imported_files

FLAM = "erg / (s cm2 Angstrom)"
FINE = 8250 + 0.23 * np.arange(2200)  # Å; covers the model's pixels
ERRORS = np.linspace(0.01, 0.02, len(FINE))
EXPECTED = pixel_means(WAVE) / np.median(pixel_means(WAVE))
SPECTRUM = pixel_means(FINE)


def one(path, **options):
    """The only batch of a file."""
    (batch,) = prepared_batches(path, WAVE, **options)
    assert batch.source == str(path)
    assert batch.flux.dtype == batch.error.dtype == np.float32
    assert batch.flux.shape == batch.error.shape == batch.filled.shape == (len(batch.star_id), len(WAVE))
    return batch


def check(batch, star_ids):
    """Spectra as expected: 4e-3 is the change of the line profile by one resampling from 0.23 Å."""
    assert batch.star_id.tolist() == star_ids
    assert set(batch.problem) == {""}
    assert not batch.filled.any()
    np.testing.assert_allclose(batch.flux, np.broadcast_to(EXPECTED, batch.flux.shape), atol=4e-3)
    # 0.5 Å from pixels of 0.23 Å and errors of 0.015: between √(0.23/0.5) without cut pixels and with the worst cut
    assert (np.median(batch.error, axis=1) < 0.0152 * np.sqrt(0.23 / 0.5)).all()
    assert (np.median(batch.error, axis=1) > 0.0148 * np.sqrt(0.23 / 0.5) * 0.85).all()


@pytest.mark.parametrize("axis", ["pfs.datamodel", "FITS standard"])
def test_pfs_object_with_the_wavelengths_in_the_header(tmp_path, axis):
    """pfs.datamodel writes and reads CRPIX1 = n / 2 + 1.5 for the middle (tests/test_WavelengthArray.py there)."""
    check(one(files.pfs_object(tmp_path / "pfsObject.fits", FINE, SPECTRUM, ERRORS, axis=axis)), ["7:42"])


def test_pfs_object_with_an_extension_of_wavelengths(tmp_path):
    check(one(files.pfs_object(tmp_path / "a.fits", FINE, SPECTRUM, ERRORS, axis=None)), ["7:42"])


def test_pfs_coadd_with_common_wavelengths(tmp_path):
    path = files.pfs_coadd(tmp_path / "pfsCoadd.fits", [FINE] * 3, [SPECTRUM] * 3, [ERRORS] * 3)
    check(one(path), ["7:100", "7:101", "7:102"])


def test_pfs_coadd_with_spectra_of_different_lengths(tmp_path):
    cuts = [slice(0, 2200), slice(20, 2150), slice(3, 2199)]
    arrays = [[array[cut] for cut in cuts] for array in (FINE, SPECTRUM, ERRORS)]
    batches = list(prepared_batches(files.pfs_coadd(tmp_path / "a.fits", *arrays), WAVE))
    assert len(batches) == 3
    for batch, name in zip(batches, ["7:100", "7:101", "7:102"], strict=True):
        check(batch, [name])


def test_pfs_mask_planes_that_count_as_bad(tmp_path):
    mask = np.zeros(len(WAVE), "i4")
    mask[150], mask[200], mask[300], mask[350] = 1 << 0, 1 << 3, 1 << 5, 1 << 9  # BAD, CR, DETECTED, BAD_SKY
    flux = np.where(mask > 0, 50, pixel_means(WAVE))
    for path in (
        files.pfs_object(tmp_path / "a.fits", WAVE, flux, 0 * WAVE + 0.01, mask=mask),
        files.pfs_coadd(tmp_path / "b.fits", [WAVE], [flux], [0 * WAVE + 0.01], masks=[mask]),
    ):
        batch = one(path)
        assert np.flatnonzero(batch.filled[0]).tolist() == [150, 200, 350]
        assert batch.flux[0, [150, 200, 350]] == pytest.approx(EXPECTED[[150, 200, 350]], rel=0.05)
        assert batch.flux[0, 300] > 40


@pytest.mark.parametrize("kind", ["ivar", "error", "variance"])
def test_table_of_pixels(tmp_path, kind):
    values = {"ivar": ERRORS**-2.0, "error": ERRORS, "variance": ERRORS**2}[kind] * 1.0
    path = files.table(
        tmp_path / "star.fits",
        {"WAVELENGTH": FINE / 1e4, "Flux": SPECTRUM, kind: values},
        units={"WAVELENGTH": "um", "Flux": "1e-17 erg/s/cm^2/Ang"},
        VACUUM=True,
        OBJECT="HD 1",
    )
    check(one(path), ["HD 1"])


def test_table_as_in_sdss(tmp_path):
    """loglam without a unit, the flux unit and the medium in the headers, a name from the file."""
    loglam = np.log10(8250) + 1e-5 * np.arange(2400)
    path = files.table(
        tmp_path / "spec-1-2-3.fits",
        {"flux": pixel_means(10**loglam), "loglam": loglam, "ivar": np.full(2400, 1e4)},
        units={},
        BUNIT="1E-17 erg/cm^2/s/Ang",
        VACUUM=True,
    )
    batch = one(path)
    assert batch.star_id.tolist() == ["spec-1-2-3"]
    np.testing.assert_allclose(batch.flux[0], EXPECTED, atol=4e-3)


def test_table_of_spectra_in_batches(tmp_path):
    n = 10
    path = files.table(
        tmp_path / "many.fits",
        {
            "source_id": np.arange(n) + 5_000_000_000,
            "wave": np.tile(FINE, (n, 1)),
            "flux": files.f_nu(FINE, np.tile(SPECTRUM, (n, 1))),
            "error": files.f_nu(FINE, np.tile(ERRORS, (n, 1))),
        },
        units={"wave": "Angstrom", "flux": "nJy", "error": "uJy"},
        AIRORVAC="vac",
    )
    batches = list(prepared_batches(path, WAVE, batch=4))
    assert [len(batch.star_id) for batch in batches] == [4, 4, 2]
    np.testing.assert_allclose(batches[2].flux[1], EXPECTED, atol=4e-3)
    assert np.median(batches[0].error) == pytest.approx(1000 * 0.015 * np.sqrt(0.23 / 0.5), rel=0.15)  # error in µJy
    assert batches[2].star_id.tolist() == ["5000000008", "5000000009"]


@pytest.mark.parametrize(
    "axis",
    [
        {"CTYPE1": "WAVE", "CUNIT1": "nm", "CRVAL1": 825.0, "CDELT1": 0.023, "CRPIX1": 1.0},
        {"CTYPE1": "LINEAR", "CUNIT1": "Angstrom", "CRVAL1": 8250.0, "CD1_1": 0.23, "VACUUM": True},
        {"CTYPE1": "WAVE-LOG", "CUNIT1": "Angstrom", "CRVAL1": 8250.0, "CDELT1": 0.23, "CRPIX1": 1.0},
        {"CRVAL1": np.log10(8250), "CDELT1": 1.2e-5, "DC-FLAG": 1, "CUNIT1": "Angstrom", "AIRORVAC": "vacuum"},
        {"COEFF0": np.log10(8250), "COEFF1": 1.2e-5, "VACUUM": True},
    ],
    ids=["WAVE", "LINEAR", "WAVE-LOG", "IRAF log", "SDSS"],
)
def test_image_with_an_axis_of_wavelengths(tmp_path, axis):
    i = np.arange(2200)
    if axis.get("CTYPE1") == "WAVE-LOG":
        wave = 8250 * np.exp(0.23 * i / 8250)  # FITS paper III, equation 5
    elif "COEFF1" in axis or "DC-FLAG" in axis:
        wave = 10 ** (np.log10(8250) + 1.2e-5 * i)
    else:
        wave = FINE
    spectrum = pixel_means(wave)
    path = files.images(
        tmp_path / "image.fits",
        {"FLUX": spectrum, "IVAR": np.full(2200, 1e4)},
        keywords={"FLUX": {"BUNIT": FLAM, **axis}},
        primary={"OBJECT": "Arcturus"},
    )
    batch = one(path)
    assert batch.star_id.tolist() == ["Arcturus"]
    assert batch.problem[0] == ""
    np.testing.assert_allclose(batch.flux[0], EXPECTED, atol=4e-3)


@pytest.mark.parametrize("per_row", [False, True])
def test_images_with_a_row_a_spectrum(tmp_path, per_row):
    shift = 0.05 * np.arange(4)[:, None] if per_row else np.zeros((4, 1))
    waves = FINE + shift
    path = files.images(
        tmp_path / "rows.fits",
        {
            "FLUX": np.stack([pixel_means(w) for w in waves]),
            "ERROR": np.tile(ERRORS, (4, 1)),
            "WAVE": waves if per_row else FINE,
        },
        keywords={"FLUX": {"BUNIT": FLAM}, "WAVE": {"BUNIT": "Angstrom"}},
        primary={"VACUUM": True},
    )
    check(one(path), [f"rows_{i:07d}" for i in range(4)])


def test_gzip_text_identifiers_and_scaled_columns(tmp_path):
    """A table that astropy has to convert: integers with TSCAL and TZERO, strings, compressed."""
    columns = [
        fits.Column("name", "6A", array=["star a", "star b", "c"]),
        fits.Column("wave", f"{len(FINE)}D", "nm", array=np.tile(FINE / 10, (3, 1))),
        fits.Column("flux", f"{len(FINE)}J", FLAM, array=np.tile(np.round((SPECTRUM - 1) * 1e9), (3, 1)).astype("i4")),
        fits.Column("ivar", f"{len(FINE)}E", array=np.tile(ERRORS**-2, (3, 1))),
    ]
    path = tmp_path / "a.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    for keyword, value in (("TSCAL3", 1e-9), ("TZERO3", 1.0), ("VACUUM", True)):
        fits.setval(path, keyword, value=value, ext=1)
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    batches = list(prepared_batches(tmp_path / "a.fits.gz", WAVE, batch=2))
    check(batches[0], ["star a", "star b"])
    check(batches[1], ["c"])


@pytest.mark.parametrize(
    ("unit", "per_frequency"),
    [
        ("nJy", True),
        ("erg / (s cm2 Hz)", True),
        ("1E-17 erg/cm^2/s/Ang", False),
        ("10**(-17) ergs/s/cm**2/A", False),
        ("erg.cm**(-2).s**(-1).angstrom**(-1)", False),
        ("W m-2 um-1", False),
        ("1", False),
    ],
)
def test_flux_units_as_people_write_them(unit, per_frequency):
    assert is_per_frequency(unit, "flux") == per_frequency


@pytest.mark.parametrize(
    ("unit", "factor"), [("ANGSTROM", 1), ("A", 1), ("Å", 1), ("nm", 10), ("microns", 1e4), ("m", 1e10)]
)
def test_wavelength_units_as_people_write_them(unit, factor):
    assert in_angstrom(2.0, unit, "wave") == pytest.approx(2 * factor, rel=1e-12)


def test_plain_hdf5(tmp_path):
    path = files.plain_hdf5(
        tmp_path / "a.h5", FINE / 10, np.tile(SPECTRUM, (2, 1)), np.tile(ERRORS, (2, 1)), unit="nm", name=["a", "β"]
    )
    check(one(path), ["a", "β"])


def test_pfsspec_layout_and_its_redshift(tmp_path):
    import h5py
    import pandas as pd

    z = np.array([0.0, 1e-3])
    path = tmp_path / "test.h5"
    pd.DataFrame({"T_eff": [5000.0, 4000.0], "redshift": z}).to_hdf(path, key="dataset/params", format="table")
    with h5py.File(path, "a") as file:
        file[PFSSPEC_WAVE] = FINE
        file[FLUX] = np.stack([SPECTRUM, pixel_means(FINE / (1 + z[1]))])
        file[ERROR] = np.tile(ERRORS, (2, 1))
    check(one(path), ["test_0000000", "test_0000001"])


def test_wavelengths_in_decreasing_order_are_turned_round(tmp_path):
    path = files.plain_hdf5(tmp_path / "a.h5", FINE[::-1], SPECTRUM[::-1], ERRORS[::-1])
    check(one(path), ["a"])


def test_air_is_taken_from_the_file_or_from_the_argument(tmp_path):
    air = vacuum_to_air(FINE)
    check(one(files.plain_hdf5(tmp_path / "a.h5", air, SPECTRUM, ERRORS, medium="air")), ["a"])
    check(one(files.plain_hdf5(tmp_path / "b.h5", air, SPECTRUM, ERRORS, medium=None), medium="air"), ["b"])


def test_same_pixels_pass_untouched(tmp_path):
    flux = pixel_means(WAVE).astype(np.float32)
    flux[7] = -0.3  # noise may be negative
    median = np.median(flux)
    for shift in (0.0, 4e-4):  # 8e-4 of a pixel
        wave = np.concatenate([[WAVE[0] - 0.5], WAVE, [WAVE[-1] + 0.5]]) + shift
        padded = np.pad(flux, 1)
        batch = one(files.plain_hdf5(tmp_path / "a.h5", wave, padded, np.full(len(wave), 0.25, "f4")))
        np.testing.assert_array_equal(batch.flux[0], flux / median)
        np.testing.assert_array_equal(batch.error[0], np.float32(0.25) / median)
    batch = one(files.plain_hdf5(tmp_path / "a.h5", WAVE + 0.01, flux, np.full(len(WAVE), 0.25, "f4")))
    assert not np.array_equal(batch.flux[0], flux / median)


def test_what_reads_observed_spectra_tracks_the_code_of_every_reader():
    """They run in another process, yet a rule has to see that one was edited."""
    tracked = imported_files("gravispec/observed/read.py", Path(__file__).parents[1])
    readers = ("worker", "formats", "fits", "fits_tables", "fits_images", "fits_meta", "pfs", "hdf5", "names", "units")
    assert {f"gravispec/observed/{name}.py" for name in readers} <= set(tracked)
