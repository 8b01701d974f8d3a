# Baselines that any run can name: one module of gravispec/models/baselines each, shared by runs.
# Needs: results/noisy.  Makes: results/baselines, results/{any_run}/baselines.csv, results/comparison.


rule baseline:
    """One baseline: fitted on the training stars, stopped by validation stars, predicted for the test stars."""
    input:
        unpack(baseline_inputs),
        code=code("baseline.py"),
        model=baseline_code,
        stars=STARS,
        flux=sharded(NOISY),
    output:
        BASELINE,
    log:
        "results/baselines/{dataset}/noise_{level}/train_{n_train}/logs/{baseline}.log",
    benchmark:
        "results/baselines/{dataset}/noise_{level}/train_{n_train}/benchmarks/{baseline}.tsv"
    conda:
        "../../envs/gpu.yaml"
    threads: 2
    resources:
        gpu=baseline_gpu,
        device=config["device"],
        mem_mb=by_attempt(4000),
        runtime=by_attempt(120),
    params:
        code=code_sha("baseline.py"),
        model_code=baseline_sha,
        baseline=lookup(within=config, dpath="baselines/{baseline}"),
        given=baseline_options,
        n_train=lambda wc: int(wc.n_train),
        n_val=config["n_val"],
    message:
        "Baseline {wildcards.baseline} on {wildcards.n_train} stars of {wildcards.dataset}, noise {wildcards.level}"
    script:
        "../scripts/baseline.py"


rule baseline_table:
    """Scores of a run's baselines, on the covered test stars and on all."""
    input:
        code=code("baseline_table.py"),
        stars=lambda wc: STARS.format(dataset=settings.runs[wc.any_run].dataset),
        predictions=baseline_files,
    output:
        report("results/{any_run}/baselines.csv", category="{any_run}"),
    log:
        "results/{any_run}/logs/baselines.log",
    benchmark:
        "results/{any_run}/benchmarks/baselines.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("baseline_table.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        baselines=baselines_of_run,
        n_train=lookup(within=config, dpath="runs/{any_run}/n_train"),
        edges=EDGES,
    message:
        "{wildcards.any_run}: baselines"
    script:
        "../scripts/baseline_table.py"


rule baseline_comparison:
    """A mixture of experts against a baseline, with paired intervals."""
    input:
        code=code("baseline_comparison.py"),
        moe=compared_mixture,
        baseline=compared_baseline,
    output:
        report("results/comparison/{baseline_comparison}.csv", category="comparison"),
    log:
        "results/comparison/logs/{baseline_comparison}.log",
    benchmark:
        "results/comparison/benchmarks/{baseline_comparison}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("baseline_comparison.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        about=about_comparison,
    message:
        "Comparison {wildcards.baseline_comparison}"
    script:
        "../scripts/baseline_comparison.py"
