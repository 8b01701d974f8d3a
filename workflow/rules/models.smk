# Models: each is a module of gravispec/models that says what it reads; shared by all runs that name it.
# Needs: results/noisy, results/features.  Makes: results/models.


rule model:
    """A model: fitted to the training stars or to what was; its predictions for validation and test stars."""
    input:
        unpack(plan.model_inputs("reads")),
        code=code("model.py"),
        module=modules(plan.own_modules),
        stars=STARS,
    output:
        model=f"{MODEL}/model.safetensors",
        predictions=f"{MODEL}/predictions.parquet",
    log:
        f"{MODEL}/model.log",
    benchmark:
        f"{MODEL}/model.tsv"
    wildcard_constraints:
        model=one_of(set(plan.plugins) - set(plan.models_that("all_levels"))),
    conda:
        "../../envs/gpu.yaml"
    threads: lambda wc: 1 + plan.asks_for("threads", wc)
    resources:
        **needs(
            "model",
            gpu=lambda wc: GPU * plan.asks_for("device", wc),
            device=config["device"],
        ),
    params:
        code=code_sha("model.py"),
        module_code=modules_sha(plan.own_modules),
        model=lambda wc: plan.module_and_options(wc.model),
        seed=config["seed"],
        validation=config["validation"],
        edges=EDGES,
    script:
        "../scripts/model.py"


use rule model as model_for_all_levels with:
    """A model that serves all noise levels, fitted once."""
    input:
        unpack(plan.model_inputs("fit")),
        code=code("model.py"),
        module=modules(plan.own_modules),
        stars=STARS,
    output:
        model=f"{FOR_ALL_LEVELS}/model.safetensors",
    log:
        f"{FOR_ALL_LEVELS}/model.log",
    benchmark:
        f"{FOR_ALL_LEVELS}/model.tsv"
    wildcard_constraints:
        model=one_of(plan.models_that("all_levels")),


use rule model as predictions_of_level with:
    """What such a model predicts at one of the noise levels."""
    input:
        unpack(plan.model_inputs("read_to_predict")),
        code=code("model.py"),
        module=modules(plan.own_modules),
        stars=STARS,
        fitted=f"{FOR_ALL_LEVELS}/model.safetensors",
    output:
        predictions=f"{MODEL}/predictions.parquet",
    log:
        f"{MODEL}/predictions.log",
    benchmark:
        f"{MODEL}/predictions.tsv"
    wildcard_constraints:
        model=one_of(plan.models_that("all_levels")),
    resources:
        **needs("predictions_of_level"),
        gpu=lambda wc: GPU * plan.asks_for("device", wc),
        device=config["device"],
