# Trained runs applied to observed spectra.
# Needs: results/{run}/model.safetensors, the user's files.  Makes: results/catalogues.
PART = "results/catalogues/{catalogue}/{part}"


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
        spectra=f"{PART}.spectra.parquet",
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
        reading=lambda wc: settings.catalogues[wc.catalogue].reading(),
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
        page="results/catalogues/{catalogue}.html",
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
