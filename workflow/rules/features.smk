# Families of features, once for a data set, noise level and training size: a module of gravispec/features each.
# Needs: results/noisy, results/features/.../ridge.npz, ridge_folds.npz, pca.npz.  Makes: results/features.


rule family_fit:
    """What a family fits before its features are computed, where it does."""
    input:
        unpack(plan.family_fit_inputs),
        code=code("family_fit.py"),
        family=modules(plan.family_module),
        stars=STARS,
    output:
        FAMILY_FIT,
    log:
        f"{TRAINED}/logs/fit_{{family}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/fit_{{family}}.tsv"
    conda:
        "../../envs/gpu.yaml"
    threads: 2
    resources:
        **needs("family_fit", gpu=GPU, device=config["device"]),
    params:
        code=code_sha("family_fit.py"),
        family_code=modules_sha(plan.family_module),
        seed=config["seed"],
        validation=config["validation"],
    script:
        "../scripts/family_fit.py"


rule feature:
    """One family of features of a shard of stars."""
    input:
        unpack(plan.feature_inputs),
        code=code("feature.py"),
        family=modules(plan.family_module),
    output:
        temp(FEATURES_OF_SHARD),
    log:
        f"{TRAINED}/logs/feature_{{feature}}_{{shard}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/feature_{{feature}}_{{shard}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("feature"),
    params:
        code=code_sha("feature.py"),
        family_code=modules_sha(plan.family_module),
        family=plan.family_and_mode,
        shard=lambda wc: plan.shard(wc)[:2],
    script:
        "../scripts/feature.py"


rule feature_table:
    """The features of all shards in one table, a row a star."""
    input:
        code=code("feature_table.py"),
        family=modules(plan.family_module),
        stars=STARS,
        shards=sharded(FEATURES_OF_SHARD),
    output:
        f"{TRAINED}/{{feature}}.parquet",
    log:
        f"{TRAINED}/logs/table_{{feature}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/table_{{feature}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **needs("feature_table"),
    params:
        code=code_sha("feature_table.py"),
        family_code=modules_sha(plan.family_module),
        family=plan.family_and_mode,
    script:
        "../scripts/feature_table.py"
