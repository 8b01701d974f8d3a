# Trained runs applied to observed spectra.
# Needs: results/{run}/model.safetensors, the user's files.  Makes: results/catalogues.
import glob
from types import SimpleNamespace

from gravispec.data.outputs import same_file, unique_files
from workflow.scripts.lib.parts import part_names

PART = "results/catalogues/{catalogue}/{part}"


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


rule catalogue_part:
    """The spectra of one file. What is wrong with a bad file is written down, and the others go on."""
    input:
        code=code("catalogue_part.py"),
        module=modules(catalogue_modules),
        models=catalogue_models,
        spectra=lambda wc: observed_files(wc.catalogue)[wc.part],
    output:
        rows=f"{PART}.rows.parquet",
        problem=f"{PART}.problem.txt",
    log:
        "results/catalogues/{catalogue}/logs/{part}.log",
    benchmark:
        "results/catalogues/{catalogue}/benchmarks/{part}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("catalogue_part"),
    params:
        code=code_sha("catalogue_part.py"),
        module_code=modules_sha(catalogue_modules),
        model=lookup(within=config, dpath="catalogues/{catalogue}/model"),
        medium=lookup(within=config, dpath="catalogues/{catalogue}/medium"),
        velocity=lookup(within=config, dpath="catalogues/{catalogue}/velocity"),
    script:
        "../scripts/catalogue_part.py"


rule catalogue:
    """All rows in one table, and a list of the files that could not be read."""
    input:
        code=code("catalogue.py"),
        module=modules(catalogue_modules),
        models=catalogue_models,
        rows=catalogue_parts(f"{PART}.rows.parquet"),
        problems=catalogue_parts(f"{PART}.problem.txt"),
    output:
        catalogue="results/catalogues/{catalogue}.{format}",
        problems="results/catalogues/{catalogue}.{format}.problems.txt",
    log:
        "results/catalogues/logs/{catalogue}.{format}.log",
    benchmark:
        "results/catalogues/benchmarks/{catalogue}.{format}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("catalogue"),
    params:
        code=code_sha("catalogue.py"),
        module_code=modules_sha(catalogue_modules),
        model=lookup(within=config, dpath="catalogues/{catalogue}/model"),
    script:
        "../scripts/catalogue.py"
