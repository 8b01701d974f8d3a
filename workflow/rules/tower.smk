# Global feature towers, and the scores of one set of families.
# Needs: results/features.  Makes: results/{tower_run}/towers, ablation_{tower}.json.


rule tower:
    """Towers on one set of families, one a seed: models, learning curves, predictions."""
    input:
        code=code("tower.py"),
        stars=of_tower_run(STARS),
        features=tower_features,
    output:
        model=f"{TOWER}.safetensors",
        curve=f"{TOWER}_curve.csv",
        predictions=f"{TOWER}_predictions.parquet",
    log:
        "results/{tower_run}/logs/tower_{tower}_noise_{level}_{mode}.log",
    benchmark:
        "results/{tower_run}/benchmarks/tower_{tower}_noise_{level}_{mode}.tsv"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        gpu=GPU,
        device=config["device"],  # no parameter: where a tower was trained is no reason to train it again
        mem_mb=by_attempt(4000),
        runtime=by_attempt(30),
    params:
        code=code_sha("tower.py"),
        seed=config["seed"],
        n_seeds=config["tower"]["seeds"],
        families=tower_families,
        n_train=lookup(within=config, dpath="runs/{tower_run}/n_train"),
        n_val=config["n_val"],
        training={
            key: value for key, value in config["tower"].items() if key != "seeds"
        },
    message:
        "{wildcards.tower_run}: towers {wildcards.tower}, noise {wildcards.level}, Ridge {wildcards.mode}"
    script:
        "../scripts/tower.py"


rule tower_scores:
    """One set of families alone: its scores at every noise level and mode."""
    input:
        code=code("tower_scores.py"),
        predictions=tower_files("_predictions.parquet"),
        models=tower_files(".safetensors"),
    output:
        "results/{tower_run}/ablation_{tower}.json",
    log:
        "results/{tower_run}/logs/ablation_{tower}.log",
    benchmark:
        "results/{tower_run}/benchmarks/ablation_{tower}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("tower_scores.py"),
        seed=config["seed"],
        bootstrap=BOOTSTRAP,
        towers=trained_towers,
    message:
        "{wildcards.tower_run}: scores of {wildcards.tower}"
    script:
        "../scripts/tower_scores.py"
