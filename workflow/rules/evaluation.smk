# Statistics of the predictions on the test stars.
# Needs: results/{run}/predictions.parquet.  Makes: bootstrap, per_bin, hypotheses; results/comparison.


rule bootstrap:
    """Paired bootstrap: resampled R² of every model and intervals of their differences."""
    input:
        code=code("bootstrap.py"),
        predictions="results/{run}/predictions.parquet",
    output:
        table="results/{run}/bootstrap.csv",
        samples="results/{run}/bootstrap_samples.parquet",
    log:
        "results/{run}/logs/bootstrap.log",
    benchmark:
        "results/{run}/benchmarks/bootstrap.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("bootstrap.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
    message:
        "{wildcards.run}: paired bootstrap"
    script:
        "../scripts/bootstrap.py"


rule per_bin:
    """R² of every model in every bin, with its number of stars."""
    input:
        code=code("per_bin.py"),
        predictions="results/{run}/predictions.parquet",
    output:
        report("results/{run}/per_bin.csv", category="{run}"),
    log:
        "results/{run}/logs/per_bin.log",
    benchmark:
        "results/{run}/benchmarks/per_bin.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("per_bin.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        names=BIN_NAMES,
    message:
        "{wildcards.run}: table per bin"
    script:
        "../scripts/per_bin.py"


rule hypotheses:
    """The claims of the source experiment: pass or fail."""
    input:
        code=code("hypotheses.py"),
        predictions="results/{run}/predictions.parquet",
        bootstrap="results/{run}/bootstrap.csv",
    output:
        report("results/{run}/hypotheses.csv", category="{run}"),
    log:
        "results/{run}/logs/hypotheses.log",
    benchmark:
        "results/{run}/benchmarks/hypotheses.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("hypotheses.py"),
    message:
        "{wildcards.run}: hypotheses"
    script:
        "../scripts/hypotheses.py"


rule comparison:
    """Several runs on the same test stars, with paired intervals."""
    input:
        code=code("comparison.py"),
        predictions=lambda wc: expand(
            "results/{run}/predictions.parquet",
            run=settings.comparisons[wc.comparison],
        ),
    output:
        report("results/comparison/{comparison}.csv", category="comparison"),
    log:
        "results/comparison/logs/{comparison}.log",
    benchmark:
        "results/comparison/benchmarks/{comparison}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("comparison.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        runs=lookup(within=config, dpath="comparisons/{comparison}"),
    message:
        "Comparison {wildcards.comparison}"
    script:
        "../scripts/comparison.py"
