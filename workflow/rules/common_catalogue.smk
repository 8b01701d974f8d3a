# The files of observed spectra, and which part of a catalogue each becomes - functions only.
import glob
from types import SimpleNamespace

from gravispec.data.outputs import same_file, unique_files
from workflow.scripts.lib.parts import part_names


wildcard_constraints:
    format="fits|ecsv|parquet|csv",


def observed_files(catalogue):
    """``{part: path}`` of the files that the configuration names; a part is called as its file."""
    paths, made = [], glob.glob("results/catalogues/*.*")
    for pattern in settings.catalogues[catalogue].files:
        found = sorted(glob.glob(pattern))
        if not found:
            sys.exit(f"config: catalogues.{catalogue}.files: no file {pattern}")
        paths += found
    for path in paths:
        if any(same_file(path, name) for name in made):
            sys.exit(
                f"config: catalogues.{catalogue}.files: {path} is a catalogue that is made here; name files of spectra"
            )
    return part_names(unique_files(paths)[0])


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


def catalogue_modules(wildcards):
    """The modules of the models of these runs, and of the families that they read."""
    names = settings.catalogues[wildcards.catalogue].runs
    found = [file for run in names for file in runs.modules(SimpleNamespace(run=run))]
    return list(dict.fromkeys(found))
