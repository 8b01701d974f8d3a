# Models: each is a module of gravispec/models that says what it reads; shared by all runs that name it.
# Needs: results/noisy, results/features.  Makes: results/models.


def own_module(wildcards):
    """The module of a model and of those that it names."""
    names = behind(wildcards.model, settings.models)
    return [f"gravispec/models/{PLUGINS[name].module}.py" for name in names]


def model_code(wildcards):
    """Input: the model's module and what it imports; no other model."""
    return [file for module in own_module(wildcards) for file in tracked(module)]


def model_sha(wildcards):
    """Param: the digest of what those files say."""
    return code_sha(*own_module(wildcards))


def about_model(wildcards):
    """Param: module and options of a model."""
    about = settings.models[wildcards.model]
    return dict(module=about["module"], options=options_of(about))


def model_threads(wildcards):
    return 2 if "threads" in PLUGINS[wildcards.model].fit else 1


def model_gpu(wildcards):
    """Resource: a GPU for a model whose fit asks for a device."""
    return GPU if "device" in PLUGINS[wildcards.model].fit else 0


MODEL_PARAMS = dict(
    seed=settings.seed,
    validation=config["validation"],
    edges=dict(T_eff=settings.bins.T_eff, M_H=settings.bins.M_H),
)


rule model:
    """A model: fitted to the training stars or to what was; its predictions for validation and test stars."""
    input:
        unpack(lambda wc: model_inputs(PLUGINS[wc.model].reads, wc)),
        code=code("model.py"),
        module=model_code,
        stars=STARS,
    output:
        model=f"{MODEL}/model.safetensors",
        predictions=f"{MODEL}/predictions.parquet",
    log:
        f"{MODEL}/model.log",
    benchmark:
        f"{MODEL}/model.tsv"
    wildcard_constraints:
        model=one_of(set(PLUGINS) - set(models_that("all_levels"))),
    conda:
        "../../envs/gpu.yaml"
    threads: model_threads
    resources:
        **needs("model", gpu=model_gpu, device=config["device"]),
    params:
        code=code_sha("model.py"),
        module_code=model_sha,
        about=about_model,
        n_train=lambda wc: int(wc.n_train),
        noise_level=lambda wc: float(wc.level),
        given=MODEL_PARAMS,
    script:
        "../scripts/model.py"


rule model_for_all_levels:
    """A model that serves all noise levels, fitted once."""
    input:
        unpack(lambda wc: model_inputs(PLUGINS[wc.model].fit, wc)),
        code=code("model.py"),
        module=model_code,
        stars=STARS,
    output:
        model=f"{FOR_ALL_LEVELS}/model.safetensors",
    log:
        f"{FOR_ALL_LEVELS}/model.log",
    benchmark:
        f"{FOR_ALL_LEVELS}/model.tsv"
    wildcard_constraints:
        model=one_of(models_that("all_levels")),
    conda:
        "../../envs/gpu.yaml"
    threads: model_threads
    resources:
        **needs("model", gpu=model_gpu, device=config["device"]),
    params:
        code=code_sha("model.py"),
        module_code=model_sha,
        about=about_model,
        n_train=lambda wc: int(wc.n_train),
        noise_level=None,
        given=MODEL_PARAMS,
    script:
        "../scripts/model.py"


rule predictions_of_level:
    """What such a model predicts at one of the noise levels."""
    input:
        unpack(lambda wc: model_inputs(PLUGINS[wc.model].read_to_predict, wc)),
        code=code("model.py"),
        module=model_code,
        stars=STARS,
        fitted=f"{FOR_ALL_LEVELS}/model.safetensors",
    output:
        predictions=f"{MODEL}/predictions.parquet",
    log:
        f"{MODEL}/predictions.log",
    benchmark:
        f"{MODEL}/predictions.tsv"
    wildcard_constraints:
        model=one_of(models_that("all_levels")),
    conda:
        "../../envs/gpu.yaml"
    threads: model_threads
    resources:
        **needs("predictions_of_level", gpu=model_gpu, device=config["device"]),
    params:
        code=code_sha("model.py"),
        module_code=model_sha,
        about=about_model,
        n_train=lambda wc: int(wc.n_train),
        noise_level=lambda wc: float(wc.level),
        given=MODEL_PARAMS,
    script:
        "../scripts/model.py"
