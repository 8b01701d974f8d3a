# What models share, once for a data set, noise level and training size: global Ridge, components, experts.
# Needs: results/noisy.  Makes: results/features/.../ridge.npz, ridge_folds.npz, pca.npz, experts.


rule moments:
    """Moments of the training spectra of one fold of the global Ridge's cross-validation."""
    input:
        code=code("moments.py"),
        stars=STARS,
        flux=sharded(NOISY),
    output:
        temp(f"{TRAINED}/moments/{{fold}}.npz"),
    log:
        f"{TRAINED}/logs/moments_{{fold}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/moments_{{fold}}.tsv"
    priority: 1  # before the experts, since the features wait for them
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("moments", gpu=0, device=config["device"]),
    params:
        code=code_sha("moments.py"),
        seed=config["seed"],
        folds=config["ridge"]["folds"],
    script:
        "../scripts/moments.py"


rule global_ridge:
    """The global Ridge, its cross-validation fits and the principal components, from the moments."""
    input:
        code=code("global_ridge.py"),
        moments=expand(
            f"{TRAINED}/moments/{{fold}}.npz",
            fold=range(settings.ridge.folds),
            allow_missing=True,
        ),
    output:
        ridge=f"{TRAINED}/ridge.npz",
        ridge_folds=f"{TRAINED}/ridge_folds.npz",
        pca=f"{TRAINED}/pca.npz",
    log:
        f"{TRAINED}/logs/global_ridge.log",
    benchmark:
        f"{TRAINED}/benchmarks/global_ridge.tsv"
    priority: 1
    conda:
        "../../envs/cpu.yaml"
    threads: 2
    resources:
        **needs("global_ridge", gpu=0, device=config["device"]),
    params:
        code=code_sha("global_ridge.py"),
        seed=config["seed"],
        alphas=ALPHAS,
    script:
        "../scripts/global_ridge.py"


rule shape:
    """Tests of the shape of a spectrum: templates from training stars, limits from validation stars."""
    input:
        code=code("shape.py"),
        stars=STARS,
        wave=WAVE,
        ridge=rules.global_ridge.output.ridge,
        train=sharded(NOISY, ["train"]),
        train_error=sharded(ERROR, ["train"]),
        val=sharded(NOISY, ["val"]),
        val_error=sharded(ERROR, ["val"]),
    output:
        f"{TRAINED}/shape.npz",
    log:
        f"{TRAINED}/logs/shape.log",
    benchmark:
        f"{TRAINED}/benchmarks/shape.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("shape"),
    params:
        code=code_sha("shape.py"),
    script:
        "../scripts/shape.py"


rule expert:
    """The Ridge of one bin, its penalty chosen by cross-validation."""
    input:
        code=code("expert.py"),
        stars=STARS,
        flux=sharded(NOISY),
    output:
        EXPERT,
    log:
        f"{TRAINED}/logs/expert_{{bin}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/expert_{{bin}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("expert", gpu=0, device=config["device"]),
    params:
        code=code_sha("expert.py"),
        seed=config["seed"],
        alphas=ALPHAS,
        folds=config["ridge"]["folds"],
        edges=EDGES,
        name=lambda wc: BIN_NAMES[int(wc.bin)],
    script:
        "../scripts/expert.py"


rule expert_predictions:
    """Labels of the validation and test stars by every expert, on which gates are fitted."""
    input:
        code=code("expert_predictions.py"),
        stars=STARS,
        flux=sharded(NOISY, ["val", "test"]),
        experts=expand(EXPERT, bin=range(len(BIN_NAMES)), allow_missing=True),
    output:
        f"{TRAINED}/experts.parquet",
    log:
        f"{TRAINED}/logs/expert_predictions.log",
    benchmark:
        f"{TRAINED}/benchmarks/expert_predictions.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("expert_predictions", gpu=0, device=config["device"]),
    params:
        code=code_sha("expert_predictions.py"),
    script:
        "../scripts/expert_predictions.py"
