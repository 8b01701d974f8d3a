"""``gravispec export``: a split of a data set as one HDF5 file in the layout of the PFS simulation chain."""

from pathlib import Path

import click

from gravispec.errors import InputError


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dataset", required=True, type=click.Path(), help="Its folder, such as results/spectra/lte.")
@click.option("--split", default="test", show_default=True, help="train, val or test.")
def export(out, dataset, split):
    """Write clean flux, errors and labels of a data set to OUT (HDF5)."""
    from gravispec.data.pfsspec_export import export_split

    try:
        n_stars = export_split(dataset, split, out)
    except InputError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out}: {n_stars} stars")
