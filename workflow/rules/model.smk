# A run made ready for spectra that it has never seen.
# Needs: results/noisy, results/{run}/experts, gates, predictions.parquet.  Makes: results/{run}/calibration.json, shape.npz, model.safetensors.


rule calibration:
    """Intervals of the predicted labels, from validation stars that served nothing else."""
    input:
        code=code("calibration.py"),
        predictions="results/{run}/predictions.parquet",
    output:
        "results/{run}/calibration.json",
    log:
        "results/{run}/logs/calibration.log",
    benchmark:
        "results/{run}/benchmarks/calibration.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("calibration.py"),
    message:
        "{wildcards.run}: calibration of the intervals"
    script:
        "../scripts/calibration.py"


rule shape:
    """Tests of the shape of a spectrum: templates from training stars, limits from validation stars."""
    input:
        code=code("shape.py"),
        stars=of_run(STARS),
        wave=of_run(WAVE),
        train=of_run(NOISY, ["train"]),
        train_error=of_run(ERROR, ["train"]),
        val=of_run(NOISY, ["val"]),
        val_error=of_run(ERROR, ["val"]),
        predictions="results/{run}/predictions.parquet",
        calibration="results/{run}/calibration.json",
    output:
        "results/{run}/shape.npz",
    log:
        "results/{run}/logs/shape.log",
    benchmark:
        "results/{run}/benchmarks/shape.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(10),
    params:
        code=code_sha("shape.py"),
        noise_level=lambda wc: settings.runs[wc.run].noise_level,
        n_train=lambda wc: settings.runs[wc.run].n_train,
    message:
        "{wildcards.run}: tests of the shape of a spectrum"
    script:
        "../scripts/shape.py"


rule model:
    """Experts, gates, components and intervals in one file, with a description of the run."""
    input:
        code=code("model.py"),
        stars=of_run(STARS),
        wave=of_run(WAVE),
        flux=of_run(NOISY, ["val"]),
        experts=rules.expert_predictions.input.experts,
        global_ridge=of_run(f"{TRAINED}/ridge.npz"),
        pca=of_run(f"{TRAINED}/pca.npz"),
        classify="results/{run}/gates/classify.safetensors",
        mlp="results/{run}/gates/mlp.safetensors",
        linear="results/{run}/gates/linear.safetensors",
        predictions="results/{run}/predictions.parquet",
        calibration="results/{run}/calibration.json",
        shape="results/{run}/shape.npz",
    output:
        "results/{run}/model.safetensors",
    log:
        "results/{run}/logs/model.log",
    benchmark:
        "results/{run}/benchmarks/model.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(5),
    params:
        code=code_sha("model.py"),
        about=about_run,
    message:
        "{wildcards.run}: the trained run in one file"
    script:
        "../scripts/model.py"
