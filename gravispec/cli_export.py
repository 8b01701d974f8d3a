"""``gravispec export``: a split of a data set as one HDF5 file in the layout of the PFS simulation chain."""

import sys
from pathlib import Path

import click

from gravispec.errors import InputError


@click.command()
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
