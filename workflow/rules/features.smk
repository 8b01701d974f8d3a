# Families of features, once for a data set, noise level and training size; shared by runs.
# Needs: results/noisy, results/features/.../ridge.npz, ridge_folds.npz, pca.npz.  Makes: results/features.


rule feature:
    """One family of features of a shard of stars: a module of gravispec/features, which says what it reads."""
    input:
        unpack(feature_inputs),
        code=code("feature.py"),
        family=family_code,
    output:
        temp(FEATURES_OF_SHARD),
    log:
        f"{TRAINED}/logs/feature_{{feature}}_{{shard}}.log",
    benchmark:
        f"{TRAINED}/benchmarks/feature_{{feature}}_{{shard}}.tsv"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(10),
    params:
        code=code_sha("feature.py"),
        family_code=family_sha,
        family=family_and_mode,
        noise_level=lambda wc: float(wc.level),
        n_train=lambda wc: int(wc.n_train),
        shard=lambda wc: shard_of_stars(wc)[:2],
    message:
        "Features {wildcards.feature} of {wildcards.dataset}, noise {wildcards.level}, {wildcards.n_train} training stars: {wildcards.shard}"
    script:
        "../scripts/feature.py"


rule feature_table:
    """The features of all shards in one table, a row a star."""
    input:
        code=code("feature_table.py"),
        family=family_code,
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
    threads: 1
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(10),
    params:
        code=code_sha("feature_table.py"),
        family_code=family_sha,
        family=family_and_mode,
        noise_level=lambda wc: float(wc.level),
        n_train=lambda wc: int(wc.n_train),
    message:
        "Features {wildcards.feature} of {wildcards.dataset}, noise {wildcards.level}, {wildcards.n_train} training stars"
    script:
        "../scripts/feature_table.py"
