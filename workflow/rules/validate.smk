# Every table of a run checked and computed again from what it was made of, before its summary.
# Needs: the tables of results/{run} and what they come from.  Makes: results/{run}/validated.json.


rule validate:
    """Every table: columns, ranges, finite numbers, the same stars everywhere; the same numbers when computed again."""
    input:
        unpack(run_tables.paths),
        code=code("validate.py"),
        module=modules(run_tables.modules),
        computed_from=run_tables.computed_from,
        sources=sources,
    output:
        "results/{run}/validated.json",
    log:
        "results/{run}/logs/validate.log",
    benchmark:
        "results/{run}/benchmarks/validate.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("validate"),
    params:
        code=code_sha("validate.py"),
        module_code=modules_sha(run_tables.modules),
        settings=run_tables.settings_behind,
    script:
        "../scripts/validate.py"
