"""The command ``gravispec``: a trained run applied to observed spectra, and data sets written for other tools."""

import shlex
import sys
import warnings
from pathlib import Path

import click
from tqdm import tqdm

from gravispec import streams
from gravispec.errors import InputError
from gravispec.version import VERSION


@click.group()
@click.version_option(VERSION, prog_name="gravispec")
def main():
    """Surface gravities of stars from noisy spectra."""
    streams.never_fail()


class NumberOrColumn(click.ParamType):
    """A number, or the name of a column."""

    def __init__(self, name):
        self.name = name

    def convert(self, value, param, ctx):
        try:
            return float(value)
        except ValueError:
            return value


@main.command()
@click.argument("spectra", nargs=-1, required=True)
@click.option("--run", "runs", multiple=True, help="Folder of a trained run. "
              "Several: of each spectrum the one that was trained at the nearest S/N.")  # fmt: skip
@click.option("--model", help="Whose labels lead; by default the one that the run names for catalogues.")
@click.option(
    "--exact", "model", flag_value="exact", help="The same as --model exact: of each star the exact posterior."
)
@click.option("-o", "--output", required=True, help="Catalogue: .fits, .ecsv, .parquet or .csv; "
              "pfsStar….fits: as PFS keeps stellar parameters.")  # fmt: skip
@click.option("--medium", type=click.Choice(["air", "vacuum"]), help="Of the wavelengths, where files do not say.")
@click.option("--velocity", type=NumberOrColumn("km/s or column"), help="Radial velocity of the stars, or fit.")
@click.option("--fwhm", type=NumberOrColumn("Å or column"), help="Width of the lines: of an instrument that is sharper "
              "than the model, spectra are made as wide.")  # fmt: skip
@click.option("--R", "R", type=NumberOrColumn("number or column"), help="The same as resolving power.")
@click.option("--error", type=NumberOrColumn("share or column"), help="Of spectra without errors: 0.01 of the median "
              "flux, or the column with their S/N.")  # fmt: skip
@click.option("--keep-windows/--mask-windows", default=None, help="Windows of sky and tellurics: by default models "
              "that know of gaps do without them; keep them of corrected spectra and those from space.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit with 1 if any file cannot be read.")
@click.option("--overwrite", is_flag=True, help="Replace the catalogue.")
def predict(spectra, runs, model, output, keep_windows, strict, overwrite, **reading):
    """Labels of the stars in SPECTRA: FITS or HDF5 files, of one spectrum or many."""
    import pandas as pd

    from gravispec import catalogue  # torch and astropy take seconds: not for --help
    from gravispec.data.outputs import unique_files
    from gravispec.data.text import STATEMENT, of_path
    from gravispec.observed.velocity import looks_like_another_medium
    from gravispec.predict import load_runs, model_file, notes, reading_by
    from gravispec.rescue import kept

    try:
        files = [*map(model_file, runs), *spectra]
        target = catalogue.checked_target(output, inputs=files, folders=runs, overwrite=overwrite)
        trained = load_runs(runs, model)
        windows = {True: "keep", False: "mask", None: None}[keep_windows]
        reading = reading_by(trained, windows=windows, **reading)
    except InputError as error:
        sys.exit(f"error: {error}")
    for note in notes(trained):
        _say(f"note: {note}")
    warnings.showwarning = lambda message, *_: _say(f"warning: {message}")
    spectra, repeated = unique_files(spectra)
    for path, earlier in repeated:
        _say(f"warning: {path}: is the file {earlier}, which is named before; its spectra are taken once")
    for line in reading.lines():
        _say(line)
    rows = []
    with kept(rows, target):
        n_files = _predict(trained, spectra, rows, reading)
        if not n_files:
            sys.exit("error: no file could be read; no catalogue is written")
        command = shlex.join(["gravispec", *map(of_path, sys.argv[1:])])
        table = pd.concat(rows, ignore_index=True)
        encoded = catalogue.write(table, target, catalogue.provenance(trained, command))
    n_bad = len(spectra) - n_files
    _say(f"{target}: {len(table)} spectra of {n_files} files, {n_bad} bad files")
    if encoded:
        _say(f"{target}: {STATEMENT}")
    if warning := looks_like_another_medium(table["velocity"], table["velocity_error"]):
        _say(warning)
    repeated = table["star_id"].duplicated().sum()
    if repeated:
        _say(f"warning: {repeated} rows have the star_id of an earlier one; the column file tells them apart")
    sys.exit(1 if n_bad and strict else 0)


def _predict(trained, spectra, rows, reading):
    """Append the rows of all good files to the list, as they come; number of these files."""
    from gravispec.predict import predict_files

    n_files = done = 0
    with tqdm(unit=" spectra", disable=None, file=sys.stderr) as bar:  # None: not where the output is no terminal

        def progress(batch):
            rows.append(batch)
            bar.update(len(batch))

        for path, table, problem in predict_files(trained, spectra, reading, progress=progress):
            if table is None:
                del rows[done:]
                bar.write(f"error: {problem}", file=sys.stderr)
                continue
            n_files, done = n_files + 1, len(rows)
            unusable = (table["problem"] != "").sum()
            bar.write(f"{path}: {len(table)} spectra, {unusable} unusable", file=sys.stderr)
    return n_files


def _say(text):
    print(text, file=sys.stderr, flush=True)


@main.command()
@click.argument("folder", default="example")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
def example(folder, overwrite):
    """Copy an example, a small model and spectra for it, to FOLDER, and say how to apply it."""
    from importlib.resources import files

    from gravispec.data.files import atomic
    from gravispec.data.outputs import checked_output

    names = ("model.safetensors", "spectra.fits")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        targets = [checked_output(Path(folder) / name, overwrite=overwrite) for name in names]
        for target in targets:
            with atomic(target) as part:
                part.write_bytes((files("gravispec.example") / target.name).read_bytes())
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {folder}: not written ({error.strerror or error}); give another folder")
    model, spectra = map(str, targets)
    catalogue = str(Path(folder) / "catalogue.fits")
    print(shlex.join(["gravispec", "predict", "--run", model, spectra, "-o", catalogue]))


@main.command()
@click.argument("out")
@click.option("--dataset", required=True, help="Its folder, such as results/spectra/lte.")
@click.option("--split", default="test", show_default=True, help="train, val or test.")
@click.option("--overwrite", is_flag=True, help="Replace OUT.")
def export(out, dataset, split, overwrite):
    """Write clean flux, errors and labels of a data set to OUT (HDF5)."""
    from gravispec.data.outputs import checked_output
    from gravispec.data.pfsspec_export import export_split

    try:
        out = checked_output(out, inputs=Path(dataset).rglob("*"), folders=[dataset], overwrite=overwrite)
        n_stars = export_split(dataset, split, out)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {out}: not written ({error.strerror or error}); free space, or write to another folder")
    print(f"{out}: {n_stars} stars")
