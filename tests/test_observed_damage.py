"""Damaged files are refused: compressed data, FITS sums, FITS structure, HDF5 checksums; and what is no file at all."""

import bz2
import gzip
import lzma
import os
import socket
import tempfile

import h5py
import numpy as np
import pytest
from astropy.io import fits

from gravispec.observed.read import prepared_batches
from tests import observed_files as files
from tests.observed_files import ERRORS, FLAM, SPECTRUM, WAVE, refused

COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def flux_of(path):
    (batch,) = prepared_batches(path, WAVE)
    assert (batch.problem == "").all()
    return batch.flux


@pytest.fixture
def fits_table(tmp_path):
    columns = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
    return files.table(tmp_path / "a.fits", columns, units={"wave": "Angstrom", "flux": FLAM}, VACUUM=True)


@pytest.fixture(params=COMPRESS)
def packed(fits_table, request):
    path = fits_table.with_suffix(f".fits{request.param}")
    path.write_bytes(COMPRESS[request.param](fits_table.read_bytes()))
    return path


def test_compressed_files_are_read(packed, fits_table):
    np.testing.assert_array_equal(flux_of(packed), flux_of(fits_table))


def test_gzip_of_several_members_and_padding_is_read(fits_table):
    content, path = fits_table.read_bytes(), fits_table.with_suffix(".fits.gz")
    members = [content[:1000], b"", content[1000:]]
    path.write_bytes(b"".join(gzip.compress(member) for member in members) + bytes(512))
    np.testing.assert_array_equal(flux_of(path), flux_of(fits_table))


def test_flipped_bits_in_compressed_data_are_refused(packed):
    """Behind the header of the container, which has nothing that its checksum covers."""
    content = bytearray(packed.read_bytes())
    rng = np.random.default_rng(4)
    for at in rng.integers(12, len(content), 25):
        damaged = content.copy()
        damaged[at] ^= 1 << rng.integers(8)
        packed.write_bytes(damaged)
        refused(packed, "compressed data are (damaged|truncated).* again")


@pytest.mark.parametrize("missing", [1, 4, 8, 9, 700])
def test_truncated_compressed_data_are_called_so(packed, missing):
    packed.write_bytes(packed.read_bytes()[:-missing])
    refused(packed, "compressed data are truncated")


def test_gzip_with_a_wrong_trailer_or_with_more_behind_it(fits_table):
    content, path = gzip.compress(fits_table.read_bytes()), fits_table.with_suffix(".fits.gz")
    crc, size = content[-8:-4], content[-4:]
    for damaged in (content[:-8] + bytes(4) + size, content[:-8] + crc + bytes(4), content + b"more"):
        path.write_bytes(damaged)
        refused(path, "compressed data are damaged")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x9d\x90" + bytes(50), r"compress \(.Z\), which is not read; uncompress it"),
        (b"PK\x03\x04" + bytes(50), "with zip"),
        (b"\x28\xb5\x2f\xfd" + bytes(50), "with zstd"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(b"text"), "neither FITS nor HDF5"),
        (gzip.compress(gzip.compress(b"SIMPLE  = ")), "neither FITS nor HDF5"),
        (gzip.compress(b"\x89HDF\r\n\x1a\n" + bytes(50)), "compressed HDF5 file; uncompress it"),
    ],
    ids=["Z", "zip", "zstd", "nothing", "text", "twice", "HDF5"],
)
def test_other_compressed_content_is_named(tmp_path, content, message):
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    refused(path, message)


def test_a_compressed_file_leaves_nothing_in_the_temporary_folder(packed, tmp_path_factory):
    before = set(os.listdir(tempfile.gettempdir()))
    flux_of(packed)
    assert not {name for name in set(os.listdir(tempfile.gettempdir())) - before if name.startswith("tmp")}


# FITS sums -----------------------------------------------------------------------------------------------------------


def summed(path):
    """One file with most kinds of HDUs, all with both sums, as astropy writes them."""
    n = 3
    ids = np.arange(n, dtype=np.uint64) + np.uint64(2**63)
    arrays = np.empty(n, object)
    arrays[:] = [np.ones(k, "f4") for k in (3, 0, 5)]
    more = [
        fits.Column("star_id", "K", bzero=2**63, array=ids),
        fits.Column("any_length", "PE()", array=arrays),
        fits.Column("text", "5A", array=["a", "bb", ""]),
    ]
    axis = {"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": WAVE[0], "CDELT1": 0.5, "CRPIX1": 1.0, "BUNIT": FLAM}
    flux = np.tile(SPECTRUM, (n, 1)).astype("f4")
    hdus = [
        fits.PrimaryHDU(header=fits.Header({"OBSERVER": "somebody"})),
        fits.ImageHDU(flux, header=fits.Header(axis), name="FLUX"),
        fits.ImageHDU(np.full_like(flux, 0.02), name="ERROR"),
        fits.CompImageHDU(np.zeros(flux.shape, "u2"), name="MASK"),
        fits.ImageHDU(name="EMPTY"),
        fits.BinTableHDU.from_columns(more, name="TARGETS"),
    ]
    fits.HDUList(hdus).writeto(path, checksum=True)
    return path


def test_fits_with_right_sums_is_read(tmp_path):
    path = summed(tmp_path / "a.fits")
    assert flux_of(path).shape == (3, len(WAVE))
    for keyword in ("CHECKSUM", "DATASUM"):  # the standard: blank is not defined
        set_card(path, 1, keyword, "''")
        flux_of(path)


def places(path):
    """(name, first byte of the header, of the data, length) of every HDU."""
    with fits.open(path) as hdus:
        return [(h.name, *(h.fileinfo()[key] for key in ("hdrLoc", "datLoc", "datSpan"))) for h in hdus]


def set_card(path, hdu, keyword, value):
    """Change a card, and nothing else, in the header of an HDU; astropy would see to the sums."""
    _, start, stop, _ = places(path)[hdu]
    content = bytearray(path.read_bytes())
    at = content.index(f"{keyword:8}=".encode(), start, stop)
    content[at : at + 80] = f"{keyword:8}= {value}".ljust(80).encode()
    path.write_bytes(content)


@pytest.mark.parametrize("hdu", [1, 2, 3, 5])
def test_one_flipped_bit_in_data_with_a_sum_is_refused(tmp_path, hdu):
    path = summed(tmp_path / "a.fits")
    _, _, at, size = places(path)[hdu]
    content = bytearray(path.read_bytes())
    content[at + size // 3] ^= 16
    path.write_bytes(content)
    refused(path, rf"\[{hdu}\]: its data do not have the sum that DATASUM states")
    refused_packed = path.with_suffix(".fits.gz")
    refused_packed.write_bytes(gzip.compress(content))
    refused(refused_packed, "DATASUM")


@pytest.mark.parametrize(("old", "new"), [(b"somebody", b"somebodz"), (b"8300.0", b"8301.0")])
def test_a_changed_header_with_a_sum_is_refused(tmp_path, old, new):
    path = summed(tmp_path / "a.fits")
    assert path.read_bytes().count(old) == 1
    path.write_bytes(path.read_bytes().replace(old, new))
    refused(path, "header or data do not have the sum that CHECKSUM states")


def test_a_wrong_datasum_without_checksum_and_one_that_is_no_number(tmp_path):
    path = summed(tmp_path / "a.fits")
    set_card(path, 1, "CHECKSUM", "''")
    for value in ("'1'", "1", "'x'"):
        set_card(path, 1, "DATASUM", value)
        refused(path, r"\[1\].*DATASUM")


def test_the_sum_is_that_of_astropy():
    from gravispec.observed.checksums import ones_complement

    rng = np.random.default_rng(5)
    for size in (0, 4, 2880, 10 * 2880):
        data = rng.integers(0, 256, size, dtype=np.uint8) | (size > 2880) * np.uint8(0xF0)
        expected = int(fits.ImageHDU()._compute_checksum(data))
        assert ones_complement([data[: size // 8 * 4].tobytes(), data[size // 8 * 4 :].tobytes()]) == expected


# FITS structure ------------------------------------------------------------------------------------------------------


def structured(path, at, old, new):
    """The file with `new` in the place of `old` in the header of HDU `at`."""
    name, start, stop, _ = places(path)[at]
    content = path.read_bytes()
    assert content[start:stop].count(old) == 1, name
    path.write_bytes(content[:start] + content[start:stop].replace(old, new) + content[stop:])
    return path


@pytest.mark.parametrize(
    ("hdu", "old", "new"),
    [
        (2, b"BITPIX  =                  -32", b"BITPIX  =                  -64"),
        (2, b"BITPIX  =                  -32", b"BITPIX  =                   16"),
        (2, b"BITPIX  =                  -32", b"BITPIX  =                  -30"),
        (2, b"BITPIX  =", b"BITPOX  ="),
        (2, b"NAXIS1  =                  800", b"NAXIS1  =                 1800"),
        (2, b"NAXIS1  =                  800", b"NAXIS1  =                   10"),
        (2, b"NAXIS1  =                  800", b"NAXIS1  =                   -1"),
        (2, b"NAXIS   =                    2", b"NAXIS   =                    x"),
        (2, b"NAXIS   =                    2", b"NAXIS   =                    3"),
        (2, b"NAXIS   =                    2", b"NAXIS   =                    0"),
        (3, b"XTENSION=", b"XTEN?ION="),
        (3, b"'IMAGE   '", b"'IMAHE   '"),
        (0, b"SIMPLE  =", b"SIMPLF  ="),
    ],
)
def test_fits_headers_that_do_not_fit_the_data_are_refused(tmp_path, hdu, old, new):
    """Nothing is read without the extension that is damaged: a mask that is lost would count as no mask."""
    arrays = {
        "FLUX": np.tile(SPECTRUM, (5, 1)),
        "ERROR": np.tile(ERRORS.astype("f4"), (5, 1)),
        "MASK": np.ones((5, 800), "i2"),
    }
    axis = {"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": WAVE[0], "CDELT1": 0.5, "CRPIX1": 1.0, "BUNIT": FLAM}
    path = files.images(tmp_path / "a.fits", arrays, keywords={"FLUX": axis})
    refused(structured(path, hdu, old, new), "damaged|again|complete|has no errors")


@pytest.mark.parametrize("lost", [1, 80, 2880, 4000])
def test_fits_that_ends_early_is_called_truncated(fits_table, lost):
    fits_table.write_bytes(fits_table.read_bytes()[:-lost])
    refused(fits_table, "truncated")


def test_zeros_behind_the_last_block_are_no_damage(fits_table):
    expected = flux_of(fits_table)
    fits_table.write_bytes(fits_table.read_bytes() + bytes(10240))
    np.testing.assert_array_equal(flux_of(fits_table), expected)


# HDF5 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"fletcher32": True}, {"compression": "gzip"}, {"fletcher32": True, "shuffle": True}]
)
def test_hdf5_chunks_with_a_wrong_checksum_are_refused(tmp_path, options):
    path = files.plain_hdf5(tmp_path / "a.h5", WAVE, SPECTRUM, ERRORS)
    with h5py.File(path, "a") as file:
        unit = file["flux"].attrs["unit"]
        del file["flux"]
        chunked = file.create_dataset("flux", data=SPECTRUM, chunks=(len(WAVE),), **options)
        chunked.attrs["unit"] = unit
        chunk = chunked.id.get_chunk_info(0)
    flux_of(path)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 4
    path.write_bytes(content)
    refused(path, "cannot be read")


@pytest.mark.parametrize("lost", [1, 5000])
def test_hdf5_that_ends_early_is_called_truncated(tmp_path, lost):
    path = files.plain_hdf5(tmp_path / "a.h5", WAVE, SPECTRUM, ERRORS)
    path.write_bytes(path.read_bytes()[:-lost])
    refused(path, "truncated")


# what is no file -----------------------------------------------------------------------------------------------------


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a device", "a folder", "a pipe behind a link"])
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path, kind):
    path = tmp_path / "a.fits"
    if kind == "a device":
        path = type(path)("/dev/zero")
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a socket":
        os.chdir(tmp_path)  # names of sockets must be short
        socket.socket(socket.AF_UNIX).bind("a.fits")
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    refused(path, f"is {kind.removesuffix(' behind a link')}; give the path of a FITS or HDF5 file")
