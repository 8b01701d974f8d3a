# The files of observed spectra, and which part of a catalogue each becomes - functions only.
import glob
import re
import sys

LONGEST_PART = 200  # of the 255 characters of a file's name


wildcard_constraints:
    catalogue=one_of(settings.catalogues),
    format="fits|ecsv|parquet|csv",


def observed_files(catalogue):
    """``{part: path}`` of the files that the configuration names; a part is called as its file."""
    about, files = settings.catalogues[catalogue], {}
    for pattern in about.files:
        found = sorted(glob.glob(pattern))
        if not found:
            sys.exit(f"config: catalogues.{catalogue}.files: no file {pattern}")
        for path in found:
            part = re.sub(r"[^\w.-]+", "_", path)[-LONGEST_PART:]
            if files.setdefault(part, path) != path:
                sys.exit(
                    f"config: catalogues.{catalogue}.files: {files[part]} and {path} would both become {part}; rename one"
                )
    return files


def catalogue_parts(pattern):
    """Input: one file a file of observed spectra."""
    return lambda wildcards: expand(
        pattern,
        catalogue=wildcards.catalogue,
        part=observed_files(wildcards.catalogue),
    )


def catalogue_models(wildcards):
    """Input: the trained runs of a catalogue."""
    runs = settings.catalogues[wildcards.catalogue].runs
    return expand("results/{run}/model.safetensors", run=runs)
