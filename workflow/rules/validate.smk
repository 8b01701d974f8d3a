# The last look at a run before its summary.
# Needs: the tables of a run.  Makes: results/{any_run}/validated.json.


rule validate:
    """Every table: columns, ranges, finite numbers, the same stars everywhere; computed again and compared."""
    input:
        unpack(tables_of_run),
        unpack(recomputed_from),
        sources=files_of_run,
        code=code("validate.py"),
    output:
        "results/{any_run}/validated.json",
    log:
        "results/{any_run}/logs/validate.log",
    benchmark:
        "results/{any_run}/benchmarks/validate.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(3000),
        runtime=by_attempt(10),
    params:
        code=code_sha("validate.py"),
        about=about_tables,
    message:
        "{wildcards.any_run}: every table is checked"
    script:
        "../scripts/validate.py"
