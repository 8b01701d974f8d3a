# Gates: how much each expert counts, star by star; and log g of every model.
# Needs: results/features, results/{run}/experts.  Makes: results/{run}/gates, predictions.parquet.


rule gate_classify:
    """Multinomial logistic regression on the bin."""
    input:
        code=code("gate_classify.py"),
        stars=of_run(STARS),
        features=of_run(f"{TRAINED}/window.parquet"),
        experts="results/{run}/experts/predictions.parquet",
    output:
        gate="results/{run}/gates/classify.safetensors",
    log:
        "results/{run}/logs/gate_classify.log",
    benchmark:
        "results/{run}/benchmarks/gate_classify.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        code=code_sha("gate_classify.py"),
        seed=config["seed"],
        data=gate_data,
    message:
        "{wildcards.run}: gate classify"
    script:
        "../scripts/gate_classify.py"


rule gate:
    """A gate trained on the squared error of the mixture."""
    input:
        code=code("gate.py"),
        stars=of_run(STARS),
        features=of_run(f"{TRAINED}/window.parquet"),
        experts="results/{run}/experts/predictions.parquet",
    output:
        gate="results/{run}/gates/{gate}.safetensors",
        curve="results/{run}/gates/{gate}_curve.csv",
    log:
        "results/{run}/logs/gate_{gate}.log",
    benchmark:
        "results/{run}/benchmarks/gate_{gate}.tsv"
    wildcard_constraints:
        gate="mlp|linear",
    conda:
        "../../envs/gpu.yaml"
    resources:
        gpu=GPU,
        device=config["device"],
        mem_mb=1500,
        runtime=20,
    params:
        code=code_sha("gate.py"),
        seed=config["seed"],
        data=gate_data,
        training={
            key: config["gates"][key]
            for key in ("hidden", "learning_rate", "epochs", "patience", "batch")
        },
    message:
        "{wildcards.run}: gate {wildcards.gate}"
    script:
        "../scripts/gate.py"


rule predictions:
    """log g of every model for every validation and test star, its other labels, weights and flags."""
    input:
        code=code("predictions.py"),
        stars=of_run(STARS),
        features=of_run(f"{TRAINED}/window.parquet"),
        quality=of_run(f"{TRAINED}/quality.parquet"),
        experts="results/{run}/experts/predictions.parquet",
        classify="results/{run}/gates/classify.safetensors",
        mlp="results/{run}/gates/mlp.safetensors",
        linear="results/{run}/gates/linear.safetensors",
    output:
        "results/{run}/predictions.parquet",
    log:
        "results/{run}/logs/predictions.log",
    benchmark:
        "results/{run}/benchmarks/predictions.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        code=code_sha("predictions.py"),
        data=gate_data,
        fallback_weight=config["gates"]["fallback_weight"],
    message:
        "{wildcards.run}: predictions of every model"
    script:
        "../scripts/predictions.py"
