"""The command ``gravispec``: a trained run applied to observed spectra, and data sets written for other tools."""

import shlex
import sys
import warnings

import click
import pandas as pd
from tqdm import tqdm

from gravispec.cli_export import export
from gravispec.errors import InputError
from gravispec.version import VERSION


@click.group()
@click.version_option(VERSION, prog_name="gravispec")
def main():
    """Surface gravities of stars from noisy spectra."""


class Velocity(click.ParamType):
    """A number, or the name of a column."""

    name = "km/s or column"

    def convert(self, value, param, ctx):
        try:
            return float(value)
        except ValueError:
            return value


@main.command()
@click.argument("spectra", nargs=-1, required=True, type=click.Path())
@click.option("--run", "runs", multiple=True, required=True, type=click.Path(), help="Folder of a trained run. "
              "Several: of each spectrum the one that was trained at the nearest S/N.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(), help="Catalogue: .fits, .ecsv, .parquet or .csv.")
@click.option("--medium", type=click.Choice(["air", "vacuum"]), help="Of the wavelengths, where files do not say.")
@click.option("--velocity", type=Velocity(), help="Radial velocity of the stars.")
@click.option("--strict", is_flag=True, help="Exit with 1 if any file cannot be read.")
@click.option("--overwrite", is_flag=True, help="Replace the catalogue.")
def predict(spectra, runs, output, medium, velocity, strict, overwrite):
    """Labels of the stars in SPECTRA: FITS or HDF5 files, of one spectrum or many."""
    from gravispec import catalogue  # torch and astropy take seconds: not for --help
    from gravispec.predict import load_runs, predict_files

    try:
        target = catalogue.checked_target(output, overwrite=overwrite)
        trained = load_runs(runs)
    except InputError as error:
        sys.exit(f"error: {error}")
    warnings.showwarning = lambda message, *_: click.echo(f"warning: {message}", err=True)
    tables = []
    with tqdm(unit=" spectra", disable=None) as bar:  # None: not where the output is no terminal
        for path, table, problem in predict_files(
            trained, spectra, progress=bar.update, medium=medium, velocity=velocity
        ):
            if table is None:
                bar.write(f"error: {problem}", file=sys.stderr)
            else:
                tables.append(table)
                unusable = (table["problem"] != "").sum()
                bar.write(f"{path}: {len(table)} spectra, {unusable} unusable", file=sys.stderr)
    if not tables:
        sys.exit("error: no file could be read; no catalogue is written")
    table = pd.concat(tables, ignore_index=True)
    catalogue.write(table, target, catalogue.provenance(trained, shlex.join(["gravispec", *sys.argv[1:]])))
    n_bad = len(spectra) - len(tables)
    click.echo(f"{target}: {len(table)} spectra of {len(tables)} files, {n_bad} bad files", err=True)
    repeated = table["star_id"].duplicated().sum()
    if repeated:
        click.echo(
            f"warning: {repeated} rows have the star_id of an earlier one; the column file tells them apart", err=True
        )
    sys.exit(1 if n_bad and strict else 0)


main.add_command(export)
