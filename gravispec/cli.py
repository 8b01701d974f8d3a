"""The command ``gravispec``: a trained run applied to spectra, and data sets written for others."""

import shlex
import sys

import click
import pandas as pd
from tqdm import tqdm

from gravispec.errors import InputError


@click.group()
def main():
    """Surface gravities of stars from noisy spectra."""


@main.command()
@click.argument("spectra", nargs=-1, required=True, type=click.Path())
@click.option(
    "--run",
    "runs",
    multiple=True,
    required=True,
    type=click.Path(),
    help="Folder of a run, or its model file; several: the one nearest in S/N is used.",
)
@click.option("-o", "--output", required=True, type=click.Path(), help="Catalogue: .fits, .ecsv, .parquet or .csv.")
@click.option(
    "--medium",
    type=click.Choice(["air", "vacuum"]),
    help="Of the wavelengths, where the file does not say or is wrong.",
)
@click.option("--velocity", help="Radial velocity in km/s, or the column that holds it.")
@click.option("--strict", is_flag=True, help="Exit with 1 if any file is bad.")
@click.option("--overwrite", is_flag=True, help="Replace the catalogue.")
def predict(spectra, runs, output, medium, velocity, strict, overwrite):
    """Labels of the stars in SPECTRA: FITS or HDF5 files, of one spectrum or many."""
    from gravispec import catalogue
    from gravispec.predict import load_runs, predict_file

    try:
        target = catalogue.checked_target(output, overwrite=overwrite)
        trained = load_runs(runs)
    except InputError as error:
        sys.exit(f"error: {error}")
    tables, bad = [], []
    with tqdm(unit=" spectra", disable=None) as bar:
        for path in spectra:
            n = 0
            try:
                rows = []
                for table in predict_file(trained, path, medium=medium, velocity=_number_or_name(velocity)):
                    rows.append(table)
                    n += len(table)
                    bar.update(len(table))
                tables += rows
                unusable = sum(int((table["problem"] != "").sum()) for table in rows)
                bar.write(f"{path}: {n} spectra, {unusable} unusable", file=sys.stderr)
            except InputError as error:
                bad.append(path)
                bar.write(f"error: {error}", file=sys.stderr)
    if not tables:
        sys.exit("error: no file could be read; no catalogue is written")
    table = pd.concat(tables, ignore_index=True)
    repeated = table["star_id"].duplicated().sum()
    if repeated:
        click.echo(f"warning: {repeated} rows repeat the star_id of another", err=True)
    catalogue.write(table, target, catalogue.provenance(trained, shlex.join(["gravispec", *sys.argv[1:]])))
    click.echo(f"{target}: {len(table)} spectra of {len(spectra) - len(bad)} files; {len(bad)} bad files", err=True)
    sys.exit(1 if bad and strict else 0)


def _number_or_name(text):
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
