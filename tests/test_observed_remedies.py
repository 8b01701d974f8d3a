"""Every remedy in every message works as printed: what the message says is done, and the file is read."""

import ast
import bz2
import gzip
import inspect
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from gravispec.errors import InputError
from gravispec.observed import formats, worker
from gravispec.observed.read import prepared_batches
from tests import observed_files as files
from tests.observed_files import ERRORS, FLAM, SPECTRUM, WAVE

N = 3
FLUXES, ALL_ERRORS = np.tile(SPECTRUM, (N, 1)), np.tile(ERRORS, (N, 1))
COLUMNS = {"wave": WAVE, "flux": SPECTRUM, "error": ERRORS}
UNITS = {"wave": "Angstrom", "flux": FLAM}
AXIS = {"CTYPE1": "WAVE", "CUNIT1": "Angstrom", "CRVAL1": WAVE[0], "CDELT1": 0.5, "CRPIX1": 1.0, "BUNIT": FLAM}


def table(path, *, columns=COLUMNS, units=UNITS, **keywords):
    """A FITS table, a row a pixel; keywords are those of the header."""
    return files.table(path, columns, units=units, **{"VACUUM": True, **keywords})


def astropy_table(path, unit, **meta):
    """The same as ``Table.write`` writes it."""
    made = Table(COLUMNS, meta={"AIRORVAC": "vacuum", **meta})
    made["wave"].unit, made["flux"].unit = u.AA, unit
    made.write(path, overwrite=True)


def images(path, *, arrays=None, **keywords):
    arrays = {"FLUX": FLUXES, "ERROR": ALL_ERRORS} if arrays is None else arrays
    return files.images(path, arrays, keywords={"FLUX": {**AXIS, **keywords}})


def hdf5(path, *, wave=WAVE, flux=FLUXES, error=ALL_ERRORS, **more):
    return files.plain_hdf5(path, wave, flux, error, **more)


def pfsspec(path, *, without=None, n_redshifts=N):
    import pandas as pd

    from gravispec.data import pfsspec as layout

    Path(path).unlink(missing_ok=True)
    pd.DataFrame({"redshift": np.zeros(n_redshifts)}).to_hdf(path, key="dataset/params", format="table")
    with h5py.File(path, "a") as file:
        for name, values in ((layout.WAVE, WAVE), (layout.FLUX, FLUXES), (layout.ERROR, ALL_ERRORS)):
            if name != without:
                file[name] = values


def attribute(item, **attributes):
    """Change attributes of an item in a file."""

    def change(path):
        with h5py.File(path, "a") as file:
            file[item].attrs.update(attributes)

    return change


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def summed(path, *, damaged):
    table(path)
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    if damaged:
        flip(path, -20_000)


def fitscheck(path, message):
    """The command at the end of the message, as it is printed."""
    command = shlex.split(message.rpartition("state the new sum: ")[2])
    assert command[0] == "fitscheck"
    subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], check=False, capture_output=True)


def zipped(path):
    table(path)
    content = path.read_bytes()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.fits", content)


def packed(path, pack):
    table(path)
    path.write_bytes(pack(path.read_bytes()))


def folder(path):
    path.mkdir()


def remake(write):
    """A remedy that replaces what was wrong."""

    def change(path):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        write(path)

    return change


def again(path):
    return table(path)


def cases():
    """name, what the message says, the bad file, remedies (functions of the path), options of bad and good reading."""
    no_error = {"wave": WAVE, "flux": SPECTRUM}
    lines = Table({"name": ["a"] * 2})

    def with_lines(path, rows):
        images(path)
        with fits.open(path, mode="append") as hdus:
            hdus.append(fits.BinTableHDU(Table({"name": [str(i) for i in range(rows)]})))

    yield "folder", "give the path of a FITS or HDF5 file", folder, [remake(table), remake(hdf5)]
    yield "absent", "check its name, its permissions", lambda path: None, [again]
    yield "empty", "give a complete FITS or HDF5 file", lambda path: path.write_bytes(b""), [again, hdf5]
    yield "text", "give a complete FITS or HDF5 file", lambda path: path.write_bytes(b"text"), [again, hdf5]
    yield "zip", "uncompress it, or use gzip", zipped, [again, lambda path: packed(path, gzip.compress)]
    yield "h5.gz", "uncompress it (HDF5", lambda path: path.write_bytes(gzip.compress(hdf5(path).read_bytes())), [hdf5]
    yield (
        "damaged gzip",
        "fetch or compress it again",
        lambda path: (packed(path, gzip.compress), flip(path, 3000)),
        [lambda path: packed(path, gzip.compress), lambda path: packed(path, bz2.compress)],
    )
    yield (
        "truncated gzip",
        "are truncated; fetch or compress it again",
        lambda path: path.write_bytes(gzip.compress(table(path).read_bytes())[:-5]),
        [lambda path: packed(path, gzip.compress)],
    )
    yield "sums", "fetch it again; if it was edited", lambda path: summed(path, damaged=True), [again, fitscheck]
    yield (
        "truncated FITS",
        "is truncated or damaged",
        lambda path: path.write_bytes(table(path).read_bytes()[:-2880]),
        [again],
    )
    yield (
        "unknown extension",
        "leave this extension out",
        lambda path: path.write_bytes(images(path).read_bytes().replace(b"'IMAGE   '", b"'IMAGF   '")),
        [images],
    )
    yield (
        "truncated HDF5",
        "give a complete FITS or HDF5 file",
        lambda path: path.write_bytes(hdf5(path).read_bytes()[:-100]),
        [hdf5],
    )
    yield (
        "no spectra",
        "docs/observed.md lists the layouts",
        lambda path: fits.PrimaryHDU().writeto(path),
        [again, images],
    )
    yield (
        "3-D image",
        "spectra are one row, or one row each",
        lambda path: images(path, arrays={"FLUX": np.ones((2, 2, 800))}),
        [images],
    )
    yield (
        "mask of another shape",
        "give them the same",
        lambda path: images(path, arrays={"FLUX": FLUXES, "ERROR": ALL_ERRORS, "MASK": np.zeros(800, "i2")}),
        [lambda path: images(path, arrays={"FLUX": FLUXES, "ERROR": ALL_ERRORS, "MASK": np.zeros((N, 800), "i2")})],
    )
    no_axis = {"BUNIT": FLAM}
    both = {"FLUX": FLUXES, "ERROR": ALL_ERRORS}
    yield (
        "image without an axis",
        "an extension WAVE or the keywords CRVAL1, CDELT1 are needed",
        lambda path: files.images(path, both, keywords={"FLUX": no_axis}, primary={"VACUUM": True}),
        [
            lambda path: files.images(path, {**both, "WAVE": WAVE}, primary={"VACUUM": True},
                                      keywords={"FLUX": no_axis, "WAVE": {"BUNIT": "Angstrom"}}),
            lambda path: files.images(path, both, primary={"VACUUM": True}, keywords={
                "FLUX": {**no_axis, "CRVAL1": 8300.0, "CDELT1": 0.5, "CUNIT1": "Angstrom"}}),
        ],
    )  # fmt: skip
    yield (
        "ids of another number",
        "give one each, or another name if it is something else",
        lambda path: with_lines(path, 2),
        [
            lambda path: with_lines(path, N),
            lambda path: (images(path), lines.rename_column("name", "line"), fits.append(path, lines.as_array())),
        ],
    )
    for name in ("star_id", "rv"):
        yield (
            f"HDF5 {name} of another number",
            "give one each, or another name if it is something else",
            lambda path, name=name: hdf5(path, **{name: [1, 2]}),
            [lambda path, name=name: hdf5(path, **{name: [1, 2, 3]}), lambda path: hdf5(path, other=[1, 2])],
        )
    yield (
        "redshifts of another number",
        "redshift has the shape",
        lambda path: pfsspec(path, n_redshifts=2),
        [pfsspec],
    )
    yield (
        "pfsspec",
        "is missing; the layout is described in the README",
        lambda path: pfsspec(path, without="dataset/arrays/error/value"),
        [pfsspec],
    )
    for kind, write in (("FITS", table), ("HDF5", hdf5)):
        yield (
            f"velocities in {kind}",
            "of its spectra; check the name",
            write,
            [lambda path: None],
            {"velocity": "RadVel"},
            {"velocity": "vrad"},
            {"vrad": [0.0] * N} if kind == "HDF5" else {"VRAD": 0.0},
        )
    for option, column in (("fwhm", "WIDTH"), ("R", "POWER"), ("error", "QUALITY")):
        yield (
            f"column of {option}",
            "of its spectra; check the name",
            lambda path, columns=None: table(path, columns=columns or COLUMNS, WIDTH=1.3, POWER=6000.0, QUALITY=40.0),
            [lambda path: None],
            {option: "other", "model_fwhm": 1.6},
            {option: column.lower(), "model_fwhm": 1.6},
        )
    for says, bad, good in (
        ("give one of them", {"fwhm": 1.3, "R": 6000}, {"R": 6000}),
        ("check its unit: fwhm in Å, R = wavelength / fwhm", {"fwhm": 6000}, {"R": 6000}),
        ("give a number or a column", {"velocity": "fit"}, {"velocity": 0.0}),
        ("give one above 0, such as 0.01", {"error": -1.0}, {"error": 0.01}),
    ):
        name, knows = f"option {next(iter(bad))}, {says[:8]}", {"model_fwhm": 1.6}
        yield name, says, table, [lambda path: None], {**knows, **bad}, {**knows, **good}
    yield (
        "a run without line width",
        "give fwhm of its data set",
        table,
        [lambda path: None],
        {"R": 6000.0},
        {"R": 6000.0, "model_fwhm": 1.6},
    )
    yield (
        "velocities that are no numbers",
        "give velocities in km/s",
        lambda path: hdf5(path, rv=["fast"] * N),
        [lambda path: hdf5(path, rv=[0.0] * N)],
    )
    yield (
        "unit of velocities",
        "it must be km/s",
        lambda path: (hdf5(path, rv=[0.0] * N), attribute("rv", unit="kg")(path)),
        [attribute("rv", unit="km/s")],
    )
    without_wave = {name: COLUMNS[name] for name in ("flux", "error")}
    yield (
        "table without wavelengths",
        "a column wave or loglam is needed",
        lambda path: table(path, columns=without_wave),
        [again, lambda path: table(path, columns={**without_wave, "loglam": np.log10(WAVE)}, units={"flux": FLAM})],
    )
    yield (
        "no rows",
        "has no rows; give one a spectrum, or one a pixel",
        lambda path: table(path, columns={name: values[:0] for name, values in COLUMNS.items()}),
        [again, lambda path: table(path, columns={"wave": np.tile(WAVE, (N, 1)), "flux": FLUXES, "error": ALL_ERRORS})],
    )
    yield (
        "text in a column",
        "numbers are needed",
        lambda path: table(path, columns={**COLUMNS, "error": ["x"] * 800}),
        [again],
    )
    yield (
        "columns of different lengths",
        "give every row arrays of one length, or one number",
        lambda path: table(path, columns={"wave": np.tile(WAVE, (N, 1)), "flux": FLUXES, "error": [1.0] * N}),
        [again, lambda path: table(path, columns={"wave": np.tile(WAVE, (N, 1)), "flux": FLUXES, "error": ALL_ERRORS})],
    )
    yield (
        "no errors at all",
        "or --error 0.01",
        lambda path: table(path, columns=no_error),
        [lambda path: None],
        {},
        {"error": 0.01},
    )
    for kind, write in (("table", lambda path, columns: table(path, columns=columns)),):
        yield (
            f"{kind} without errors",
            "one of error, variance, ivar is needed",
            lambda path, write=write: write(path, no_error),
            [
                lambda path, write=write, name=name: write(path, {**no_error, name: ERRORS})
                for name in ("error", "variance", "ivar")
            ],
        )
    yield (
        "HDF5 of other types",
        "numbers are needed",
        lambda path: hdf5(path, error=np.full(FLUXES.shape, b"x")),
        [hdf5],
    )
    yield (
        "HDF5 ids of other types",
        "integers or strings are needed",
        lambda path: hdf5(path, star_id=[0.5, 1.5, 2.5]),
        [lambda path: hdf5(path, star_id=[1, 2, 3]), lambda path: hdf5(path, star_id=["a", "b", "c"])],
    )
    yield (
        "HDF5 shapes",
        "(P,) or (N, P) are needed, the same for all but the wavelengths",
        lambda path: hdf5(path, error=ERRORS),
        [
            hdf5,
            lambda path: hdf5(path, flux=SPECTRUM, error=ERRORS),
            lambda path: hdf5(path, wave=np.tile(WAVE, (N, 1))),
        ],
    )
    yield "HDF5 names", "wave and flux are needed at the top level", lambda path: h5py.File(path, "w").close(), [hdf5]
    yield "HDF5 attribute", "values; give one", lambda path: hdf5(path, unit=["nm", "nm"]), [hdf5]
    yield (
        "medium",
        "state which medium: --medium air or vacuum, or in the file",
        lambda path: hdf5(path, medium=None),
        [attribute("wave", medium="vacuum"), attribute("wave", medium="air")],
    )
    yield (
        "medium in FITS",
        "FITS: the keyword AIRORVAC",
        lambda path: table(path, VACUUM=None),
        [lambda path: table(path, AIRORVAC="vacuum"), lambda path: table(path, AIRORVAC="air")],
    )
    for medium in ("air", "vacuum"):
        yield (
            f"--medium {medium}",
            "--medium air or vacuum",
            lambda path: hdf5(path, medium="water"),
            [lambda path: None],
            {},
            {"medium": medium},
        )
    yield (
        "option medium",
        "is neither air nor vacuum",
        hdf5,
        [lambda path: None],
        {"medium": "water"},
        {"medium": "air"},
    )
    yield "velocity", "is not below the speed of light", hdf5, [lambda path: None], {"velocity": 3e5}, {"velocity": 3.0}
    yield (
        "one id twice",
        "give every spectrum its own",
        lambda path: hdf5(path, star_id=[1, 2, 1]),
        [lambda path: hdf5(path, star_id=[1, 2, 3])],
    )
    yield (
        "not monotonic",
        "must be above 0 and must increase or decrease from pixel to pixel",
        lambda path: hdf5(path, wave=np.abs(WAVE - 8500)),
        [hdf5, lambda path: hdf5(path, wave=WAVE[::-1])],
    )
    yield (
        "constant",
        "must increase or decrease from pixel to pixel; all are",
        lambda path: hdf5(path, wave=0 * WAVE + 8500),
        [hdf5],
    )
    yield (
        "one pixel",
        "at least two are needed",
        lambda path: hdf5(path, wave=WAVE[:1], flux=FLUXES[:, :1], error=ALL_ERRORS[:, :1]),
        [hdf5],
    )
    yield (
        "another range",
        "check the unit of the wavelengths",
        lambda path: hdf5(path, unit="nm"),
        [lambda path: hdf5(path, unit="Angstrom")],
    )
    relative = [
        lambda path: astropy_table(path, None, BUNIT="1"),  # as printed, through the table's meta
        lambda path: astropy_table(path, u.dimensionless_unscaled),
        lambda path: astropy_table(path, "1"),
    ]
    flux_units = [lambda path, unit=unit: astropy_table(path, unit) for unit in ("nJy", "erg / (s cm2 Angstrom)")]
    yield (
        "flux unit in FITS",
        "flux has no unit; state it",
        lambda path: astropy_table(path, None),
        relative + flux_units,
    )
    yield (
        "wrong flux unit in FITS",
        "it must be nJy or erg",
        lambda path: astropy_table(path, "adu"),
        relative + flux_units,
    )
    yield (
        "flux unit of an image",
        "the keyword BUNIT = '1'",
        lambda path: images(path, BUNIT=None),
        [lambda path, unit=unit: images(path, BUNIT=unit) for unit in ("1", "nJy", "erg / (s cm2 Angstrom)")],
    )
    yield (
        "flux unit in HDF5",
        "1 for relative flux per wavelength",
        lambda path: hdf5(path, flux_unit=None),
        [attribute("flux", unit=unit) for unit in ("1", 1, "", "nJy", "erg / (s cm2 Angstrom)")],
    )
    for bad in (None, "kg", ""):
        says = "it must be nm, um or Angstrom" if bad else "has no unit; state it in the file"
        scales = {"nm": 0.1, "um": 1e-4, "Angstrom": 1}
        yield (
            f"wavelength unit {bad}",
            says,
            lambda path, bad=bad: hdf5(path, unit=bad),
            [
                lambda path, name=name, scale=scale: hdf5(path, wave=WAVE * scale, unit=name)
                for name, scale in scales.items()
            ],
        )
    for name, power in (("error", 1), ("variance", 2), ("ivar", -2)):
        columns = {"wave": WAVE, "flux": SPECTRUM, name: ERRORS.astype(float) ** power}

        def with_printed_unit(path, message, columns=columns, name=name):
            unit = message.rpartition("it must be ")[2].removeprefix("that of the flux, ").partition(",")[0]
            table(path, columns=columns, units={**UNITS, name: unit})

        yield (
            f"unit of {name}",
            "it must be that of the flux" if power == 1 else "it must be ",
            lambda path, columns=columns, name=name: table(path, columns=columns, units={**UNITS, name: "kg"}),
            [with_printed_unit],
        )


CASES = [(*case, {}, {}, {})[:4] + tuple((*case[4:], {}, {}, {})[:3]) for case in cases()]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """A process of its own that ends with every bad file would take a second each."""

    def raw_spectra(path, rows, asked):
        try:
            yield from formats.raw_spectra(path, rows, asked)
        except InputError:
            raise
        except Exception as error:
            raise InputError(worker.explained(path, error)) from error

    monkeypatch.setattr("gravispec.observed.read.raw_spectra", raw_spectra)


def read(path, **options):
    batches = list(prepared_batches(path, WAVE, **options))
    assert all((batch.problem == "").all() for batch in batches), batches[0].problem
    assert sum(len(batch.flux) for batch in batches) in (1, N)


@pytest.mark.parametrize(
    ("name", "says", "write", "remedies", "bad", "good", "content"), CASES, ids=[c[0] for c in CASES]
)
def test_every_remedy_works_as_printed(tmp_path, name, says, write, remedies, bad, good, content):
    """The bad file is refused with what the message `says`; with each of its remedies it is read."""
    for i, remedy in enumerate(remedies):
        path = tmp_path / str(i) / "a.fits"
        path.parent.mkdir()
        write(path, **content)
        with pytest.raises(InputError) as error:
            read(path, **bad)
        assert says in str(error.value)
        remedy(*[path, str(error.value)][: 1 + ("message" in inspect.signature(remedy).parameters)])
        read(path, **good)


# they take a process that dies, a full disk, gigabytes: tests of their own, in test_observed_bad_input.py
ELSEWHERE = ("write it again", "more than half of the space left", "it is damaged, or has to be split")


def test_no_message_is_without_its_remedy():
    """Every place that raises InputError in what reads observed spectra has a case above."""
    said = [case[1] for case in CASES]
    for source in Path(prepared_batches.__code__.co_filename).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InputError":
                text = "\0".join(
                    n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                )
                known = any(part in text for part in (*said, *ELSEWHERE))
                assert known or text in (": ", "error"), f"{source}:{node.lineno}: {text!r} has no case here"
