# One Ridge a bin, and the predictions of all of them.
# Needs: results/noisy, results/features.  Makes: results/{run}/experts.


rule expert:
    """The Ridge of one bin, its penalty chosen by cross-validation."""
    input:
        code=code("expert.py"),
        stars=of_run(STARS),
        flux=of_run(NOISY),
    output:
        "results/{run}/experts/{bin}.npz",
    log:
        "results/{run}/logs/expert_{bin}.log",
    benchmark:
        "results/{run}/benchmarks/expert_{bin}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        gpu=0,
        device=config["device"],
        mem_mb=by_attempt(2000),
        runtime=by_attempt(20),
    params:
        code=code_sha("expert.py"),
        seed=config["seed"],
        alphas=ALPHAS,
        folds=config["ridge"]["folds"],
        n_train=lookup(within=config, dpath="runs/{run}/n_train"),
        edges=EDGES,
        name=lambda wc: BIN_NAMES[int(wc.bin)],
    message:
        "{wildcards.run}: expert {wildcards.bin}"
    script:
        "../scripts/expert.py"


rule expert_predictions:
    """log g of the validation and test stars by every expert and by the global Ridge."""
    input:
        code=code("expert_predictions.py"),
        stars=of_run(STARS),
        flux=of_run(NOISY),
        experts=expand("results/{{run}}/experts/{bin}.npz", bin=range(len(BIN_NAMES))),
        global_ridge=of_run(f"{TRAINED}/ridge.npz"),
    output:
        "results/{run}/experts/predictions.parquet",
    log:
        "results/{run}/logs/expert_predictions.log",
    benchmark:
        "results/{run}/benchmarks/expert_predictions.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        gpu=0,
        device=config["device"],
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("expert_predictions.py"),
    message:
        "{wildcards.run}: predictions of the experts"
    script:
        "../scripts/expert_predictions.py"
