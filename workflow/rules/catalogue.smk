# Trained runs applied to observed spectra.
# Needs: results/{run}/model.safetensors, the user's files.  Makes: results/catalogues.
import glob
import re

PART = "results/catalogues/{catalogue}/{part}"


wildcard_constraints:
    format="fits|ecsv|parquet|csv",


def observed_files(catalogue):
    """``{part: path}`` of the files that the configuration names; a part is called as its file."""
    about, files = settings.catalogues[catalogue], {}
    for pattern in about.files:
        found = sorted(glob.glob(pattern))
        if not found:
            sys.exit(f"config: catalogues.{catalogue}.files: no file {pattern}")
        files |= {re.sub(r"[^\w.-]+", "_", path): path for path in found}
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


def catalogue_modules(wildcards):
    """The modules of the models in these files."""
    runs = settings.catalogues[wildcards.catalogue].runs
    return list(dict.fromkeys(f for run in runs for f in module_files(*deployed(run)[1])))


rule catalogue_part:
    """The spectra of one file. What is wrong with a bad file is written down, and the others go on."""
    input:
        code=code("catalogue_part.py"),
        module=lambda wc: [file for module in catalogue_modules(wc) for file in tracked(module)],
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
        module_code=lambda wc: code_sha(*catalogue_modules(wc)),
        model=lookup(within=config, dpath="catalogues/{catalogue}/model"),
        medium=lookup(within=config, dpath="catalogues/{catalogue}/medium"),
        velocity=lookup(within=config, dpath="catalogues/{catalogue}/velocity"),
    script:
        "../scripts/catalogue_part.py"


rule catalogue:
    """All rows in one table, and a list of the files that could not be read."""
    input:
        code=code("catalogue.py"),
        module=lambda wc: [file for module in catalogue_modules(wc) for file in tracked(module)],
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
        module_code=lambda wc: code_sha(*catalogue_modules(wc)),
        model=lookup(within=config, dpath="catalogues/{catalogue}/model"),
    script:
        "../scripts/catalogue.py"
