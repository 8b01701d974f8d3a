"""Every accepted layout gives the same spectra on the model's pixels."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

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
        ("", False),  # as astropy writes a unit without dimension
        ("%", False),
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


@pytest.mark.parametrize("unit", [u.dimensionless_unscaled, u.Unit("1"), u.Unit(""), "1", "", u.percent, None])
def test_relative_flux_as_astropy_writes_it(tmp_path, unit):
    """Table.write turns "1" into a blank TUNIT; without a unit the keyword BUNIT says it, through the table's meta."""
    made = Table({"wave": FINE * u.AA, "flux": SPECTRUM, "error": ERRORS}, meta={"AIRORVAC": "vacuum", "OBJECT": "a"})
    made["flux"].unit = made["error"].unit = unit
    if unit is None:
        made.meta["BUNIT"] = "1"
    made.write(tmp_path / "a.fits")
    check(one(tmp_path / "a.fits"), ["a"])
    made.write(tmp_path / "a.ecsv")
    Table.read(tmp_path / "a.ecsv").write(tmp_path / "b.fits")
    check(one(tmp_path / "b.fits"), ["a"])


@pytest.mark.parametrize(
    "text",
    [str, str.encode, np.bytes_, lambda t: [t], lambda t: np.array([[t]], dtype=object), lambda t: f" {t} "],
)
@pytest.mark.parametrize("medium", ["Vacuum", "vac", "VACUUM", "AIR", "Air"])
def test_attributes_of_hdf5_of_any_type(tmp_path, text, medium):
    wave = vacuum_to_air(FINE) if medium.lower() == "air" else FINE
    options = {"unit": text("Angstrom"), "flux_unit": text(FLAM), "medium": text(medium)}
    check(one(files.plain_hdf5(tmp_path / "a.h5", wave, SPECTRUM, ERRORS, **options)), ["a"])


def test_relative_flux_in_hdf5(tmp_path):
    for i, unit in enumerate(("1", 1, 1.0, "", np.array([1]), u.dimensionless_unscaled.to_string())):
        check(one(files.plain_hdf5(tmp_path / f"{i}.h5", FINE, SPECTRUM, ERRORS, flux_unit=unit)), [str(i)])


@pytest.mark.parametrize("n", [1, 3])
def test_ids_of_hdf5_in_a_column_or_alone(tmp_path, n):
    flux, error = (a if n == 1 else np.tile(a, (n, 1)) for a in (SPECTRUM, ERRORS))
    ids = "HD 1" if n == 1 else np.arange(n)[:, None]
    path = files.plain_hdf5(tmp_path / "a.h5", FINE, flux, error, star_id=ids, rv=0.0 if n == 1 else np.zeros((n, 1)))
    check(one(path), ["HD 1"] if n == 1 else ["0", "1", "2"])


def test_unsigned_identifiers_of_64_bits_stay_whole(tmp_path):
    ids = np.array([2**63 + 1, 2**63 + 2, 2**64 - 1, 5], dtype=np.uint64)
    columns = {
        "source_id": ids,
        **{k: np.tile(v, (4, 1)) for k, v in (("wave", FINE), ("flux", SPECTRUM), ("error", ERRORS))},
    }
    path = files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)
    check(one(path), [str(i) for i in ids])


def test_tnull_is_a_masked_pixel_and_no_identifier(tmp_path):
    """Integers with a scale, one of which stands for no value: astropy gives it as a number."""
    n, null = 2, -(2**31)
    flux = np.tile(np.round((SPECTRUM - 1) * 1e9), (n, 1)).astype("i4")
    flux[0, 1000:1004] = null
    columns = [
        fits.Column("star_id", "K", array=[2**60 + 1, -1], null=-1),
        fits.Column("wave", f"{len(FINE)}D", "nm", array=np.tile(FINE / 10, (n, 1))),
        fits.Column("flux", f"{len(FINE)}J", FLAM, array=flux, null=null),
        fits.Column("ivar", f"{len(FINE)}E", array=np.tile(ERRORS**-2, (n, 1))),
    ]
    path = tmp_path / "a.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    for keyword, value in (("TSCAL3", 1e-9), ("TZERO3", 1.0), ("VACUUM", True)):
        fits.setval(path, keyword, value=value, ext=1)
    batch = one(path)
    assert batch.star_id.tolist() == [str(2**60 + 1), "a_0000001"]
    assert (batch.problem == "").all()
    np.testing.assert_allclose(batch.flux, [EXPECTED] * n, atol=4e-3)
    assert 1 <= batch.filled[0].sum() <= 3
    assert not batch.filled[1].any()


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "f2", ">i4", "u2", ">u2", "i2", "u4"])
@pytest.mark.parametrize("kind", ["table", "images", "compressed", "hdf5"])
def test_numbers_of_any_type(tmp_path, kind, dtype):
    if dtype == "f2" and kind != "hdf5":
        pytest.skip("FITS has no such type")
    scale = 3e4 if np.dtype(dtype).kind in "iu" else 1
    flux = np.tile(np.round(SPECTRUM * scale / SPECTRUM.max()) if scale > 1 else SPECTRUM, (2, 1)).astype(dtype)
    error = np.tile(np.maximum(np.round(ERRORS * scale), 1) if scale > 1 else ERRORS, (2, 1)).astype(dtype)
    path = tmp_path / "a.fits"
    if kind == "table":
        columns = {"wave": np.tile(FINE, (2, 1)), "flux": flux, "error": error}
        files.table(path, columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)
    elif kind == "hdf5":
        files.plain_hdf5(path, FINE, flux, error)
    else:
        hdu = fits.CompImageHDU if kind == "compressed" else fits.ImageHDU
        lossless = {"compression_type": "GZIP_2", "quantize_level": 0.0} if kind == "compressed" else {}
        axis = {"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": FINE[0], "CDELT1": 0.23, "CRPIX1": 1.0, "BUNIT": FLAM}
        parts = [
            hdu(flux, header=fits.Header(axis), name="FLUX", **lossless),
            hdu(error, name="ERROR", **lossless),
            hdu(np.zeros(flux.shape, "u2"), name="MASK"),
        ]
        fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(path)
    batch = one(path)
    assert (batch.problem == "").all()
    np.testing.assert_allclose(batch.flux, [EXPECTED] * 2, atol=4e-3)


def test_unsigned_images_beside_a_table_with_arrays_of_any_length(tmp_path):
    """The table is mapped into memory, which astropy cannot do with such images."""
    axis = {"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": FINE[0], "CDELT1": 0.23, "CRPIX1": 1.0, "BUNIT": FLAM}
    history = np.empty(2, dtype=object)
    history[:] = [np.arange(3.0), np.arange(0.0)]
    mask = np.zeros(len(FINE), "u2")
    mask[1000:1004] = 40000
    parts = [
        fits.PrimaryHDU(),
        fits.ImageHDU(SPECTRUM, header=fits.Header(axis), name="FLUX"),
        fits.ImageHDU(ERRORS, name="ERROR"),
        fits.ImageHDU(mask, name="MASK"),
        fits.BinTableHDU.from_columns([fits.Column("history", "PD()", array=history)]),
    ]
    fits.HDUList(parts).writeto(tmp_path / "a.fits")
    batch = one(tmp_path / "a.fits")
    assert 1 <= batch.filled.sum() <= 3
    np.testing.assert_allclose(batch.flux[0], EXPECTED, atol=4e-3)
