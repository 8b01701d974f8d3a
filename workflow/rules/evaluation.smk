# A run: its models measured on the test stars, at every noise level and number of training stars.
# Needs: results/models, results/features.  Makes: the tables of results/{run}, validated.json, results/comparison.


rule predictions:
    """Labels by every model for every validation and test star, with S/N, χ² and how the star is used."""
    input:
        code=code("predictions.py"),
        stars=runs.in_dataset(STARS),
        quality=runs.in_cells(f"{TRAINED}/quality.parquet"),
        models=runs.in_cells(f"{MODEL}/predictions.parquet", per_model=True),
    output:
        "results/{run}/predictions.parquet",
    log:
        "results/{run}/logs/predictions.log",
    benchmark:
        "results/{run}/benchmarks/predictions.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("predictions"),
    params:
        code=code_sha("predictions.py"),
        cells=runs.cells,
        leading=runs.leading,
        edges=EDGES,
        validation=config["validation"],
    script:
        "../scripts/predictions.py"


rule calibration:
    """Intervals of the labels by every model, from validation stars that served nothing else."""
    input:
        code=code("calibration.py"),
        predictions="results/{run}/predictions.parquet",
    output:
        "results/{run}/calibration/noise_{level}.json",
    log:
        "results/{run}/logs/calibration_{level}.log",
    benchmark:
        "results/{run}/benchmarks/calibration_{level}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("calibration"),
    params:
        code=code_sha("calibration.py"),
        deployed=lambda wc: runs.deployed(wc, wc.level),
    script:
        "../scripts/calibration.py"


rule tables:
    """Resampled R² of every model, paired differences, bins, S/N, hypotheses, curves of training."""
    input:
        code=code("tables.py"),
        predictions="results/{run}/predictions.parquet",
        models=runs.fitted,
    output:
        samples="results/{run}/bootstrap_samples.parquet",
        bootstrap=shown("results/{run}/bootstrap.csv", "differences of R²"),
        per_bin=shown("results/{run}/per_bin.csv", "R² in bins of T_eff and [M/H]"),
        by_snr=shown("results/{run}/by_snr.csv", "R² by S/N"),
        hypotheses=shown("results/{run}/hypotheses.csv", "claims"),
        curves="results/{run}/training_curves.csv",
    log:
        "results/{run}/logs/tables.log",
    benchmark:
        "results/{run}/benchmarks/tables.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("tables"),
    params:
        code=code_sha("tables.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        bin_names=BIN_NAMES,
        cells=runs.cells,
        models=runs.models,
        run=runs.entry,
    script:
        "../scripts/tables.py"


rule quality:
    """Coverage of intervals and posteriors with the band in which it should lie; residuals; giants taken for dwarfs."""
    input:
        code=code("quality.py"),
        predictions="results/{run}/predictions.parquet",
        calibration=lambda wc: expand(rules.calibration.output[0], level=runs.levels(wc), run=wc.run),
    output:
        coverage=shown("results/{run}/calibration.csv", "coverage of intervals"),
        residuals=shown("results/{run}/residuals.csv", "bias, scatter, outliers"),
        giants_dwarfs=shown("results/{run}/giants_dwarfs.csv", "giants and dwarfs"),
        posteriors=shown("results/{run}/posteriors.csv", "coverage of posteriors"),
    log:
        "results/{run}/logs/quality.log",
    benchmark:
        "results/{run}/benchmarks/quality.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("quality"),
    params:
        code=code_sha("quality.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
    script:
        "../scripts/quality.py"


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


rule comparison:
    """Models of several runs on the same test stars, with paired intervals."""
    input:
        code=code("comparison.py"),
        stars=lambda wc: STARS.format(dataset=runs.dataset_of(runs.compared(wc)[0])),
        models=runs.compared_files,
    output:
        shown("results/comparison/{comparison}.csv", "{comparison}", caption="comparison", category="comparisons"),
    log:
        "results/comparison/logs/{comparison}.log",
    benchmark:
        "results/comparison/benchmarks/{comparison}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("comparison"),
    params:
        code=code_sha("comparison.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        edges=EDGES,
        entries=runs.compared,
    script:
        "../scripts/comparison.py"
